import type pg from 'pg';
import { sqlWords } from '../../dump/sql-words.ts';
import { type CopyStart, nameInEntry, qualifiedName, type Statement } from '../../dump/tokens.ts';
import { copyRows, type RowsIn } from './copy-rows.ts';
import { runRaw } from './raw-query.ts';
import type { StatementContext } from './run-statement.ts';
import { rethrowAt } from './statement-error.ts';

/**
 * COPYs that store a table's rows in the order of the dump. Otherwise, a server fills pages that have room left with
 * later rows, unless the table was created or emptied in the transaction that copies.
 */
interface OrderedCopies {
  /** Takes note of a statement that was run. */
  note(statement: Statement): void;
  /**
   * Begins the first COPY into a table that the dump has created.
   *
   * @returns undefined for any other table: what an extension has put into its table must not be lost
   */
  begin(statement: CopyStart): Promise<RowsIn | undefined>;
}

/** For a database that the dump fills from the beginning. */
export function orderedCopies(client: pg.Client, context: StatementContext): OrderedCopies {
  const { name } = context;
  /** Tables created by the dump and still empty, named as in entries. */
  const empty = new Set<string>();
  return {
    note({ entry, sql }) {
      // An entry may hold more than the statement that creates its table, for example one that sets its owner.
      if (entry?.type !== 'TABLE' || !/^CREATE\s/i.test(sql.toString('latin1', 0, 7))) return;
      // The rows of a partitioned table go into its partitions, and emptying it would empty them too.
      if (sql.includes('PARTITION BY')) return;
      empty.add(`${entry.schema}.${entry.name}`);
    },
    async begin(statement) {
      if (!empty.delete(nameInEntry(qualifiedName(statement)))) return undefined;
      await run('BEGIN', statement);
      await run(`TRUNCATE ONLY ${tableOf(statement)}`, statement);
      const rows = copyRows(client, statement, context);
      return {
        ...rows,
        async end(count) {
          await rows.end(count);
          await run('COMMIT', statement);
        },
      };
    },
  };

  async function run(sql: string, statement: CopyStart): Promise<void> {
    await runRaw(client, Buffer.from(sql, 'latin1')).catch((error: unknown) =>
      rethrowAt(error, statement, name),
    );
  }
}

/** The table's name, byte for byte as in the statement. */
function tableOf({ sql }: CopyStart): string {
  const [, first = '', dot, second = ''] = sqlWords(sql.toString('latin1'));
  return dot === '.' ? `${first}.${second}` : first;
}
