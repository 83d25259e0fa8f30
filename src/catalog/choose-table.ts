import { ConfigError, NotFoundError } from '../errors.ts';
import { findTable, parseTableName, type TableName } from './find-table.ts';

/** What to do if a table is not in a dump. */
export const SHOW_TABLES = '`topobank-backup show` lists the tables of a backup';

/**
 * The table of a dump that an operator named, in psql's syntax.
 *
 * @param doing for errors: `cannot fetch table surface of backup/x.sql`
 * @returns its blocks in the order of the dump
 * @throws ConfigError for an invalid name, or one that several tables have
 * @throws NotFoundError listing the most similar names
 */
export function chooseTable<T extends TableName>(
  tables: readonly T[],
  wanted: string,
  doing: string,
): [T, ...T[]] {
  const name = parseTableName(wanted);
  if (name === undefined) {
    throw new ConfigError({
      doing,
      problem: 'it is not a table name',
      remedy: 'give a name such as public.manager_surface, quoted as in SQL if it has other characters',
    });
  }
  const found = findTable(tables, name);
  if (found.kind === 'several') {
    const problem = `the dump has ${found.names.join(' and ')}`;
    throw new ConfigError({ doing, problem, remedy: 'give its schema too' });
  }
  const [first, ...rest] = found.kind === 'one' ? found.entries : [];
  if (first !== undefined) return [first, ...rest];
  const near = found.kind === 'none' ? found.near : [];
  throw new NotFoundError({
    doing,
    problem: 'the dump has no rows of a table with this name',
    remedy: near.length > 0 ? `did you mean ${near.join(' or ')}?` : SHOW_TABLES,
  });
}
