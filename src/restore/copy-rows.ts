import type pg from 'pg';
import { type CopyStart, qualifiedName } from '../dump/tokens.ts';
import { RestoreError } from '../errors.ts';
import { startCopy } from './raw-query.ts';
import { rethrowAt } from './run-statement.ts';

/** Rows of a dump on their way into a table. */
export interface RowsIn {
  /**
   * Resolves when more may come.
   *
   * @throws RestoreError with the row's line in the dump when the server refuses one
   */
  write(rows: Buffer): Promise<void>;
  /**
   * Has the server keep what was written.
   *
   * @throws RestoreError unless it took so many rows
   */
  end(rows: number): Promise<void>;
  /** Is told as soon as the server refuses a row or is gone, also while none are written. */
  onRefused(listener: (error: unknown) => void): void;
}

/**
 * Begins a COPY as it stands in the dump.
 *
 * @param name of the dump, for errors
 * @param rowOf the row of the block that is the n-th of these, where others go another way
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
