import { chooseTable } from '../../catalog/choose-table.ts';
import { findTable, parseTableName } from '../../catalog/find-table.ts';
import type { DumpTable } from '../../dump/dump-index.ts';
import { qualifiedName } from '../../dump/tokens.ts';
import type { KnownDump } from '../prove-dump.ts';
import type { RestoreSource } from '../source.ts';
import { type Partition, readPartitions } from './partitions.ts';

/** The tables that an operator has named. */
export interface ChosenTables {
  /** Their rows, in the order of the dump. */
  readonly tables: readonly DumpTable[];
  /** Their qualified names, with those of partitions. */
  readonly names: ReadonlySet<string>;
}

/**
 * Finds the tables that an operator has named; one that has partitions stands for all of them.
 *
 * @throws ConfigError, NotFoundError as {@link chooseTable}
 */
export async function chooseTables(
  source: RestoreSource,
  dump: Pick<KnownDump, 'tables' | 'sections' | 'encoding'>,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<ChosenTables> {
  // Only the dump's text tells of tables that have no rows of their own.
  const partitions = wanted.every((name) => hasRows(dump.tables, name))
    ? []
    : await readPartitions(source, dump, signal);
  return resolveTables(dump.tables, partitions, wanted, source.name);
}

function hasRows(tables: readonly DumpTable[], wanted: string): boolean {
  const name = parseTableName(wanted);
  return name === undefined || findTable(tables, name).kind !== 'none';
}

/** @param name of the dump, for errors */
export function resolveTables(
  tables: readonly DumpTable[],
  partitions: readonly Partition[],
  wanted: readonly string[],
  name: string,
): ChosenTables {
  const all = [...tables, ...partitions.map(({ whole }) => whole)];
  const names = new Set(
    wanted.map((table) =>
      qualifiedName(chooseTable(all, table, `cannot restore table ${table} of ${name}`)[0]),
    ),
  );
  // A set goes on to what is added to it meanwhile: partitions may have partitions.
  for (const whole of names) {
    for (const { whole: of, part } of partitions) {
      if (qualifiedName(of) === whole) names.add(qualifiedName(part));
    }
  }
  return { tables: tables.filter((table) => names.has(qualifiedName(table))), names };
}
