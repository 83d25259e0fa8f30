import type pg from 'pg';
import { type CopyStart, qualifiedName } from '../dump/tokens.ts';
import { RestoreError } from '../errors.ts';
import { startCopy } from './raw-query.ts';
import { rethrowAt } from './statement-error.ts';

/** Rows of a dump on their way into a table. */
export interface RowsIn {
  /**
   * Resolves when more rows may be written.
   *
   * @throws RestoreError with the row's line in the dump when the server refuses one
   */
  write(rows: Buffer): Promise<void>;
  /**
   * Has the server keep what was written.
   *
   * @throws RestoreError unless the server took this many rows
   */
  end(rows: number): Promise<void>;
  /** The listener is called as soon as the server refuses a row or is gone, even while no rows are being written. */
  onRefused(listener: (error: unknown) => void): void;
}

/**
 * Begins a COPY with its statement exactly as in the dump.
 *
 * @param name of the dump, for errors
 * @param rowOf maps the n-th row sent to its row in the block, if other rows of the block are sent elsewhere
 */
export function copyRows(
  client: pg.Client,
  statement: CopyStart,
  name: string,
  rowOf?: (sent: number) => number,
): RowsIn {
  const into = startCopy(client, statement.sql);
  const rethrow = (error: unknown) => rethrowAt(error, statement, name, { rowOf });
  return {
    onRefused: (listener) => {
      into.refused.catch(rethrow).catch(listener);
    },
    write: (rows) => into.write(rows).catch(rethrow),
    async end(rows) {
      const taken = await into.end().catch(rethrow);
      if (taken === rows) return;
      throw new RestoreError({
        doing: `cannot restore ${name}`,
        problem: `the server took ${taken} of ${rows} rows of ${qualifiedName(statement)}`,
        remedy: 'see the server’s log',
      });
    },
  };
}
