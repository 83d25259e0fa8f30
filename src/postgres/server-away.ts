import { BROKE, errorCode, TOO_LATE } from './errors.ts';
import { SQLSTATE } from './sqlstate.ts';

/**
 * Of a server that is stopped or starts: its own words, those of the sockets, and of the names, which a container that
 * is down has none of.
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

/** SQLSTATE class 08, connection exception, as poolers say it (manual, appendix A). */
const CONNECTION_EXCEPTION = /^08[0-9A-Z]{3}$/;

/** Whether an error is of a server that cannot be reached at the moment, and may be there again in the next. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error);
  if (code !== undefined && (AWAY.has(code) || CONNECTION_EXCEPTION.test(code))) return true;
  return BROKE.test(error.message) || TOO_LATE.test(error.message) || isAway(error.cause);
}
