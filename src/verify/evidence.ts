import type { Depth, Fault } from '../catalog/verification.ts';
import { type DumpIndex, totalOf } from '../dump/dump-index.ts';

/** What was read and compared. */
interface Checked {
  /** Bytes of the dump, as plain SQL. */
  readonly bytes: number;
  readonly tables: number;
  readonly rows: number;
}

/** The result of one check of a backup. */
export interface Evidence {
  readonly checked: Checked;
  /** Empty if the backup is good, as far as it was checked. */
  readonly faults: readonly Fault[];
  /** What is now certain, if there is no fault. */
  readonly proved: string;
  /** What is not certain, and how it could be proved. */
  readonly unproved: string;
  /**
   * The depth of the check that found the faults, if it was shallower than requested: a drill whose dump turns out to
   * have different bytes found that by reading them.
   */
  readonly foundBy?: Depth;
}

/** The result of one verification of one backup. */
export interface Verification extends Omit<Evidence, 'foundBy'> {
  readonly id: string;
  /** The depth requested, unless a shallower check found the faults. */
  readonly depth: Depth;
}

/** Of a check that has read nothing of the dump. */
export const NOTHING_CHECKED: Checked = { bytes: 0, tables: 0, rows: 0 };

/** @param index undefined if nothing is known of what was read */
export function checkedOf(index: Pick<DumpIndex, 'bytes' | 'tables'> | undefined): Checked {
  const tables = index?.tables ?? [];
  return { bytes: index?.bytes ?? 0, tables: tables.length, rows: totalOf(tables).rows };
}
