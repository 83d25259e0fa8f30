import type { DumpPosition } from '../../dump/tokens.ts';
import type { RestoreError } from '../../errors.ts';
import { sqlState } from '../../postgres/errors.ts';
import { FILLS_VIEW } from './run-statement.ts';
import { isOfServer } from './whose-fault.ts';

/**
 * SQLSTATE classes (manual, appendix A) of what other rows may mend: no data, no case, cardinality, data exception,
 * constraint, exception in a function (2F, 38, 39, P0), check option, a view that has not been filled (55); and internal
 * errors, as which functions in C may report any.
 */
const OF_ROWS = /^(?:02|20|21|22|23|2F|38|39|44|55|P0|XX)/;

/** Where PL/pgSQL reports what a RAISE makes up (`routine`, manual, "Error and Notice Message Fields"). */
const RAISED = 'exec_stmt_raise';

/**
 * Whether a statement may have failed because the tables are empty. A function may look into them, whose error the
 * server tells with a context; and a query may fail by a division by the number of rows. What is misspelled, not found
 * or not allowed, though, is no better with rows.
 */
export function mayBeForLackOfRows(error: RestoreError, { entry }: Pick<DumpPosition, 'entry'>): boolean {
  const { where, routine } = (error.cause ?? {}) as { readonly where?: string; readonly routine?: string };
  if (routine === RAISED) return true;
  const isOfQuery = where !== undefined || entry?.type === FILLS_VIEW;
  return isOfQuery && OF_ROWS.test(sqlState(error.cause) ?? '');
}

/** SQLSTATE class of names that are not found, or are of something else (manual, appendix A). */
const OF_NAMES = /^42/;

/** Whether a statement itself, and no function that it calls, names what may have been passed over. */
export function isOfMissing(error: RestoreError): boolean {
  const { where } = (error.cause ?? {}) as { readonly where?: string };
  return where === undefined && !isOfServer(error) && OF_NAMES.test(sqlState(error.cause) ?? '');
}
