import type pg from 'pg';
import { type CopyStart, qualifiedName } from '../../dump/tokens.ts';
import { RestoreError } from '../../errors.ts';
import { isInTransaction } from './own-transactions.ts';
import { startCopy } from './raw-query.ts';
import type { StatementContext } from './run-statement.ts';
import { rethrowAt } from './statement-error.ts';
import { isRefusal } from './whose-fault.ts';

/** Rows of a dump on their way into a table. */
export interface RowsIn {
  /**
   * Resolves when more rows may be written.
   *
   * @throws RestoreError with the row's line in the dump when the server refuses one, unless the restore goes on
   * without these rows
   */
  write(rows: Buffer): Promise<void>;
  /**
   * Has the server keep what was written.
   *
   * @throws RestoreError unless the server took this many rows, or refused them as for {@link RowsIn.write}
   */
  end(rows: number): Promise<void>;
  /** The listener is called as soon as the server refuses a row or is gone, even while no rows are being written. */
  onRefused(listener: (error: unknown) => void): void;
}

/**
 * Begins a COPY with its statement exactly as in the dump. If the server refuses a row, it keeps none of this COPY;
 * where there is no old database to go back to, that is noted, and the others follow.
 *
 * @param rowOf maps the n-th row sent to its row in the block, if other rows of the block are sent elsewhere
 */
export function copyRows(
  client: pg.Client,
  statement: CopyStart,
  { name, refused, log }: Pick<StatementContext, 'name' | 'refused' | 'log'>,
  rowOf?: (sent: number) => number,
): RowsIn {
  // Nothing of a transaction is kept once a statement in it has failed.
  const goesOn = refused !== undefined && !isInTransaction(client);
  const into = startCopy(client, statement.sql);
  let isNoted = false;

  function judge(failure: unknown): void {
    if (isNoted) return;
    try {
      rethrowAt(failure, statement, name, { rowOf });
    } catch (error) {
      if (!goesOn || !isRefusal(error)) throw error;
      isNoted = true;
      const { problem } = error;
      refused.push({ line: statement.line, problem, rows: error });
      log.error(`${problem}; these rows are left out, so that the others are not lost`);
    }
  }

  return {
    onRefused: (listener) => {
      into.refused.catch(judge).catch(listener);
    },
    async write(rows) {
      if (!isNoted) await into.write(rows).catch(judge);
    },
    async end(rows) {
      if (isNoted) return;
      const taken = await into.end().catch(judge);
      if (isNoted || taken === rows) return;
      throw new RestoreError({
        doing: `cannot restore ${name}`,
        problem: `the server took ${taken} of ${rows} rows of ${qualifiedName(statement)}`,
        remedy: 'see the server’s log',
      });
    },
  };
}
