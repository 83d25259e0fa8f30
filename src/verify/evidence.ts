import type { Depth, Fault } from '../catalog/verification.ts';
import type { DumpIndex } from '../dump/dump-index.ts';

/** What was read and compared. */
export interface Checked {
  /** Bytes of the dump, as plain SQL. */
  readonly bytes: number;
  readonly tables: number;
  readonly rows: number;
}

/** What one look into a backup has come to. */
export interface Evidence {
  readonly checked: Checked;
  /** Empty when the backup is good, as deep as it was looked into. */
  readonly faults: readonly Fault[];
  /** What is certain now, where there is no fault. */
  readonly proved: string;
  /** What is not, and how it could be proved. */
  readonly unproved: string;
  /**
   * How deep the look was that found the faults, where it was less deep than was asked for: a drill whose dump has other
   * bytes than were dumped has found that by reading them.
   */
  readonly foundBy?: Depth;
}

/** What one verification of one backup has come to. */
export interface Verification extends Omit<Evidence, 'foundBy'> {
  readonly id: string;
  /** As deep as was asked for, unless faults were found by a look that was less deep. */
  readonly depth: Depth;
}

export const NOTHING_CHECKED: Checked = { bytes: 0, tables: 0, rows: 0 };

/** @param index undefined where nothing is known of what was read */
export function checkedOf(index: Pick<DumpIndex, 'bytes' | 'tables'> | undefined): Checked {
  const tables = index?.tables ?? [];
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return { bytes: index?.bytes ?? 0, tables: tables.length, rows };
}
