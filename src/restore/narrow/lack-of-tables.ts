import { RestoreError, withRemedy } from '../../errors.ts';
import { sqlState } from '../../postgres/errors.ts';
import { mayBeForLackOfRows } from '../load/lack-of-rows.ts';

/** Says what to do about a failed statement, such as an index by a function that reads a table that was not chosen. */
export function perhapsForLackOfTables(error: unknown): unknown {
  if (!(error instanceof RestoreError) || isOfValue(error)) return error;
  if (!mayBeForLackOfRows(error, { entry: undefined })) return error;
  return withRemedy(
    error,
    'also give --table for the tables that this reads, or restore the whole dump, without --table',
  );
}

/** Where a COPY stands in a value that is not of its column's type; no function has been called. */
const IN_VALUE = /^(?:(?:COPY|JSON data)[^\n]*\n?)+$/;

/** Whether a value in the rows is refused as such (SQLSTATE class 22): other tables do not mend it. */
function isOfValue({ cause }: RestoreError): boolean {
  const { where = '' } = (cause ?? {}) as { readonly where?: string };
  return /^22/.test(sqlState(cause) ?? '') && IN_VALUE.test(where);
}
