import { showTableName } from './find-table.ts';
import type { Manifest } from './manifest.ts';

/** Rows, and their bytes in the dump. */
interface TableSize {
  readonly rows: number;
  readonly bytes: number;
}

/** How a table changed from one backup to another; null if a backup does not have it. */
export interface TableChange {
  /** As psql shows it: `public.manager_surface`. */
  readonly table: string;
  readonly before: TableSize | null;
  readonly after: TableSize | null;
  /** Rows and bytes gained; negative if lost. */
  readonly gained: TableSize;
  /** Whether any byte of its rows differs. */
  readonly changed: boolean;
}

type Tables = Manifest['tables'];

interface Known extends TableSize {
  readonly hashes: string;
}

/** Every table of either backup, in the order of `after`; those only in `before` come last. */
export function compareTables(before: Tables, after: Tables): TableChange[] {
  const [old, current] = [sumUp(before), sumUp(after)];
  return [...new Set([...current.keys(), ...old.keys()])].map((table) => {
    const [was, is] = [old.get(table), current.get(table)];
    const gained = {
      rows: (is?.rows ?? 0) - (was?.rows ?? 0),
      bytes: (is?.bytes ?? 0) - (was?.bytes ?? 0),
    };
    return { table, before: sizeOf(was), after: sizeOf(is), gained, changed: was?.hashes !== is?.hashes };
  });
}

/** A table dumped in several blocks counts once. */
function sumUp(tables: Tables): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const entry of tables) {
    const table = showTableName(entry);
    const { rows, bytes, hashes } = known.get(table) ?? { rows: 0, bytes: 0, hashes: '' };
    known.set(table, {
      rows: rows + entry.rows,
      bytes: bytes + entry.bytes,
      hashes: `${hashes} ${entry.sha256}`,
    });
  }
  return known;
}

function sizeOf(known: Known | undefined): TableSize | null {
  return known === undefined ? null : { rows: known.rows, bytes: known.bytes };
}
