import { showTableName } from '../../catalog/find-table.ts';
import type { DumpTable } from '../../dump/dump-index.ts';

/** A table as a narrow restore reports it. */
export interface TableTally {
  /** As psql shows it: `public.manager_surface`. */
  readonly table: string;
  readonly rows: number;
  /** Size of its rows in the dump. */
  readonly bytes: number;
}

/** The tables of these blocks, each once. */
export function tallyTables(blocks: readonly DumpTable[]): TableTally[] {
  const tallies = new Map<string, TableTally>();
  for (const block of blocks) {
    const table = showTableName(block);
    const { rows, bytes } = tallies.get(table) ?? { rows: 0, bytes: 0 };
    tallies.set(table, { table, rows: rows + block.rows, bytes: bytes + block.bytes });
  }
  return [...tallies.values()];
}
