import type { RestoreError } from '../errors.ts';
import { errorCode } from '../postgres/errors.ts';

/**
 * SQLSTATEs (manual, appendix A), and classes of them, that tell of the server or the role: a connection, resources,
 * an operator, the system, an internal error; a right, a feature or an extension that is not there.
 */
const OF_SERVER = /^(?:08|53|57|58|XX|42501$|0A000$)/;

/** Whether a restore has failed for what the server is and has, and may do on another with the same dump. */
export function isOfServer({ cause, serverLacks }: RestoreError): boolean {
  if (cause === undefined) return false;
  const code = errorCode(cause);
  // What is no SQLSTATE comes from a connection that broke.
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return true;
  return serverLacks || OF_SERVER.test(code);
}
