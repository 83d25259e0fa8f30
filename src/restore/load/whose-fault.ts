import { RestoreError } from '../../errors.ts';
import { sqlState } from '../../postgres/errors.ts';
import { endsSession } from '../../postgres/server-away.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';

/**
 * SQLSTATE classes (manual, appendix A) that point to the server: connection, deadlock and the like, resources, a lock
 * that is not available, operator intervention, system, internal error.
 */
const OF_SERVER = /^(?:08|40|53|55P03|57|58|XX)/;

/** What the role or the server lacks: a privilege, a feature, an extension. */
const LACKING = new Set<string>([SQLSTATE.insufficientPrivilege, SQLSTATE.featureNotSupported]);

/** Whether a restore failed because of what the server is or has, and may succeed on another with the same dump. */
export function isOfServer(error: RestoreError): boolean {
  const { cause, serverLacks } = error;
  if (cause === undefined) return false;
  return serverLacks || mayPass(error) || LACKING.has(sqlState(cause) ?? '');
}

/** SQLSTATE classes after which the server may take nothing else either: connection, resources. */
const OF_ALL = /^(?:08|53)/;

/** Whether the server has refused something of the dump and may take the rest of it. */
export function isRefusal(error: unknown): error is RestoreError {
  if (!(error instanceof RestoreError) || endsSession(error.cause)) return false;
  return !OF_ALL.test(sqlState(error.cause) ?? '');
}

/** Whether it failed for what may be different at another attempt. */
export function mayPass({ cause }: RestoreError): boolean {
  const code = sqlState(cause);
  // What the server has not said comes from a broken connection.
  return code === undefined || OF_SERVER.test(code);
}
