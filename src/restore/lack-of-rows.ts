import type { DumpPosition } from '../dump/tokens.ts';
import type { RestoreError } from '../errors.ts';
import { errorCode } from '../postgres/errors.ts';
import { isUnfound } from './run-statement.ts';
import { isOfServer } from './whose-fault.ts';

/** SQLSTATE class of internal errors (manual, appendix A), as which functions in C may report any. */
const OF_C_FUNCTION = /^XX/;

/** Where PL/pgSQL reports what a RAISE makes up (`routine`, manual, "Error and Notice Message Fields"). */
const RAISED = 'exec_stmt_raise';

/**
 * Whether a statement may have failed because the tables are empty. A function may look into them, whose error the
 * server tells with a context; and a query may fail in any way, such as by a division by the number of rows. What is
 * not found or not allowed, though, is not with rows either.
 */
export function mayBeForLackOfRows(error: RestoreError, { entry }: DumpPosition): boolean {
  const { where, routine } = (error.cause ?? {}) as { readonly where?: string; readonly routine?: string };
  const isOfQuery = where !== undefined || entry?.type === 'MATERIALIZED VIEW DATA';
  if (routine === RAISED) return true;
  if (OF_C_FUNCTION.test(errorCode(error.cause) ?? '')) return isOfQuery;
  return isOfQuery && !isOfServer(error) && !isUnfound(error);
}

/** SQLSTATE class of names that are not found, or are of something else (manual, appendix A). */
const OF_NAMES = /^42/;

/** Whether a statement itself, and no function that it calls, names what may have been passed over. */
export function isOfMissing(error: RestoreError): boolean {
  const { where } = (error.cause ?? {}) as { readonly where?: string };
  return where === undefined && !isOfServer(error) && OF_NAMES.test(errorCode(error.cause) ?? '');
}
