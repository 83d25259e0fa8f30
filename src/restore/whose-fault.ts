import { RestoreError } from '../errors.ts';
import { sqlState } from '../postgres/errors.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';

/**
 * SQLSTATE classes (manual, appendix A) that point to the server: connection, resources, operator intervention,
 * system, internal error.
 */
const OF_SERVER = /^(?:08|53|57|58|XX)/;

/** What the role or the server lacks: a privilege, a feature, an extension. */
const LACKING = new Set<string>([SQLSTATE.insufficientPrivilege, SQLSTATE.featureNotSupported]);

/** Whether a restore failed because of what the server is or has, and may succeed on another with the same dump. */
export function isOfServer(error: RestoreError): boolean {
  const { cause, serverLacks } = error;
  if (cause === undefined) return false;
  return serverLacks || mayPass(error) || LACKING.has(sqlState(cause) ?? '');
}

/** Whether the server refused something in the dump, which this server would do each time. */
export function isRefusal(error: unknown): boolean {
  return error instanceof RestoreError && error.cause !== undefined && !mayPass(error);
}

/** Whether it failed for what may be different at another attempt. */
function mayPass({ cause }: RestoreError): boolean {
  const code = sqlState(cause);
  // What the server has not said comes from a broken connection.
  return code === undefined || OF_SERVER.test(code);
}
