import type { DumpTable, KnownDump } from '../dump/dump-index.ts';
import { qualifiedName } from '../dump/tokens.ts';
import { NotFoundError } from '../errors.ts';
import { chooseTable, SHOW_TABLES } from './choose-table.ts';
import type { DumpSource } from './dump-source.ts';
import { findTable, parseTableName, type TableName } from './find-table.ts';
import { type Partition, readPartitions } from './partitions.ts';

/** The tables that an operator named. */
export interface ChosenTables {
  /** The tables as named, without their partitions. */
  readonly named: readonly TableName[];
  /** Their rows, in the order of the dump: of each table at least one block. */
  readonly tables: readonly [DumpTable, ...DumpTable[]];
  /** Their qualified names, including those of partitions. */
  readonly names: ReadonlySet<string>;
}

/**
 * Finds the tables that an operator named; a partitioned table includes all its partitions.
 *
 * @param doing what cannot be done with the tables, for errors: `restore`
 * @throws ConfigError, NotFoundError as {@link chooseTable}
 */
export async function chooseTables(
  source: DumpSource,
  dump: KnownDump,
  wanted: readonly string[],
  doing: 'fetch' | 'restore',
  signal: AbortSignal,
): Promise<ChosenTables> {
  // Only the dump's text shows tables that have no rows of their own.
  const partitions = wanted.every((name) => hasRows(dump.tables, name))
    ? []
    : await readPartitions(source, dump, signal);
  return resolveTables(
    dump.tables,
    partitions,
    wanted,
    (table) => `cannot ${doing} table ${table} of ${source.name}`,
  );
}

function hasRows(tables: readonly DumpTable[], wanted: string): boolean {
  const name = parseTableName(wanted);
  return name === undefined || findTable(tables, name).kind !== 'none';
}

/**
 * @param doing for errors: `cannot fetch table surface of backup/x.sql`
 * @throws ConfigError, NotFoundError as {@link chooseTable}; NotFoundError also for a table of whose partitions none
 * has rows in the dump, as in one of INSERTs: nothing of it would be restored
 */
export function resolveTables(
  tables: readonly DumpTable[],
  partitions: readonly Partition[],
  wanted: readonly string[],
  doing: (table: string) => string,
): ChosenTables {
  const all = [...tables, ...partitions.map(({ whole }) => whole)];
  const names = new Set<string>();
  const named = wanted.map((text): TableName => {
    const [table] = chooseTable(all, text, doing(text));
    const parts = withPartitions(table, partitions);
    if (!tables.some((block) => parts.has(qualifiedName(block)))) throw withoutRows(doing(text));
    for (const part of parts) names.add(part);
    return table;
  });
  const [first, ...others] = tables.filter((table) => names.has(qualifiedName(table)));
  if (first === undefined) throw new Error('no table is named');
  return { named, tables: [first, ...others], names };
}

/** The qualified names of a table and of its partitions. */
function withPartitions(table: TableName, partitions: readonly Partition[]): ReadonlySet<string> {
  const names = new Set([qualifiedName(table)]);
  // Iterating over a set includes what is added meanwhile: partitions may have partitions.
  for (const whole of names) {
    for (const { whole: of, part } of partitions) {
      if (qualifiedName(of) === whole) names.add(qualifiedName(part));
    }
  }
  return names;
}

function withoutRows(doing: string): NotFoundError {
  const problem = 'it is partitioned, and none of its partitions has rows in the dump';
  return new NotFoundError({ doing, problem, remedy: SHOW_TABLES });
}
