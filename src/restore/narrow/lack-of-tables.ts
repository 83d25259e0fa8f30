import { RestoreError } from '../../errors.ts';
import { mayBeForLackOfRows } from '../lack-of-rows.ts';

/** Says what to do about a failed statement, such as an index by a function that reads a table that was not chosen. */
export function perhapsForLackOfTables(error: unknown): unknown {
  if (!(error instanceof RestoreError) || !mayBeForLackOfRows(error, { entry: undefined })) return error;
  const { doing, problem, serverLacks, cause } = error;
  const remedy =
    'also give --table for the tables that this reads, or restore the whole dump, without --table';
  return new RestoreError({ doing, problem, remedy, serverLacks, cause });
}
