import { createHash } from 'node:crypto';
import { backupId } from '../../catalog/backup-name.ts';
import { NAME_BYTES } from '../../config/forms.ts';

/** Suffixes of the databases that a restore of `database` creates beside it. */
const SUFFIXES = { scratch: '_restore_', kept: '_before_restore_' } as const;

/** `topobank` → `topobank_restore_20261123103000`; see {@link nameBeside} for long names. */
export function scratchName(database: string, time: string): string {
  return nameBeside(database, SUFFIXES.scratch + time);
}

/** The name under which the old database is kept: `topobank_before_restore_20261123103000`. */
export function keptName(database: string, time: string): string {
  return nameBeside(database, SUFFIXES.kept + time);
}

/**
 * The names of a restore at `now`, or at the next second whose names no database has: two restores within one second
 * are no reason to refuse the second restore.
 *
 * @param taken the names of the server's databases
 */
export function freeNames(
  database: string,
  now: Date,
  taken: ReadonlySet<string>,
): { readonly scratch: string; readonly kept: string } {
  for (let second = 0; ; second++) {
    const time = backupId(new Date(now.getTime() + second * 1000));
    const names = { scratch: scratchName(database, time), kept: keptName(database, time) };
    if (!taken.has(names.scratch) && !taken.has(names.kept)) return names;
  }
}

/** Whether `name` is an old database of `database`, kept by an earlier restore. */
export function isKeptName(database: string, name: string): boolean {
  const time = /_before_restore_(\d{14})$/.exec(name)?.[1];
  return time !== undefined && keptName(database, time) === name;
}

/** Whether `name` is a database that a restore of `database` is filling, or left behind when it was killed. */
export function isScratchName(database: string, name: string): boolean {
  const time = /_restore_(\d{14})$/.exec(name)?.[1];
  return time !== undefined && scratchName(database, time) === name;
}

/**
 * A name that is too long is cut and gets a hash of the full name: of two databases whose names begin alike, neither
 * must mistake what the other has kept for its own. So does `topobank_before`, of which a partial restore would have
 * the name under which `topobank` is kept.
 */
function nameBeside(database: string, suffix: string): string {
  const bytes = Buffer.from(database);
  const isTold = bytes.length + suffix.length <= NAME_BYTES && !database.endsWith('_before');
  if (isTold) return database + suffix;
  const hash = `_${createHash('sha256').update(database).digest('hex').slice(0, 8)}`;
  let cut = Math.min(bytes.length, NAME_BYTES - hash.length - suffix.length);
  // Never cut a multibyte character in two.
  while (((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return bytes.toString('utf8', 0, cut) + hash + suffix;
}
