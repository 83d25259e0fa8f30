import { BROKE, errorCode, sqlState, TOO_LATE } from './errors.ts';
import { SQLSTATE } from './sqlstate.ts';

/**
 * Errors from a server that is stopped or starting: its own codes, those of sockets, and those of name lookups, since
 * a container that is down has no name.
 */
const AWAY = new Set<string>([
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
  SQLSTATE.cannotConnectNow,
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** SQLSTATE class 08, connection exception, as poolers report it (manual, appendix A). */
const CONNECTION_EXCEPTION = /^08[0-9A-Z]{3}$/;

/** Whether an error means that the server cannot be reached right now, but may be back in a moment. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error);
  if (code !== undefined && (AWAY.has(code) || CONNECTION_EXCEPTION.test(code))) return true;
  return BROKE.test(error.message) || TOO_LATE.test(error.message) || isAway(error.cause);
}

/**
 * SQLSTATEs with which the server ends a session (manual, appendix A). Class 08 is not among them: a statement also fails
 * with it because of a connection of its own (dblink), and if this one broke, the next statement says so.
 */
const SESSION_GONE = /^57P/;

/**
 * Whether the server takes no further statement over a connection: it has ended the session, or the error is not even
 * the server's.
 */
export function endsSession(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined || SESSION_GONE.test(code);
}
