import type { RestoreError } from '../errors.ts';
import { errorCode } from '../postgres/errors.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';

/**
 * Classes of SQLSTATEs (manual, appendix A) that tell of the server: a connection, resources, an operator, the system,
 * an internal error.
 */
const OF_SERVER = /^(?:08|53|57|58|XX)/;

/** Of what the role or the server lacks: a right, a feature, an extension. */
const LACKING = new Set<string>([SQLSTATE.insufficientPrivilege, SQLSTATE.featureNotSupported]);

/** Whether a restore has failed for what the server is and has, and may do on another with the same dump. */
export function isOfServer({ cause, serverLacks }: RestoreError): boolean {
  if (cause === undefined) return false;
  const code = errorCode(cause);
  // What is no SQLSTATE comes from a connection that broke.
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return true;
  return serverLacks || OF_SERVER.test(code) || LACKING.has(code);
}
