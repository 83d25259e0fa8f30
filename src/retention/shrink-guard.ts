import { isAhead } from '../catalog/backup-time.ts';
import type { Backup, UsableBackup } from '../catalog/catalog.ts';
import { formatBytes } from '../ui/format.ts';
import { isUsable, newestFirst } from './order.ts';

/** The newest dump is so much smaller than the one before it that something may have been lost. */
export interface Shrink {
  readonly id: string;
  /** Of its dump. */
  readonly key: string;
  /** Length of the plain dump in bytes. */
  readonly bytes: number;
  readonly previous: { readonly id: string; readonly bytes: number };
}

/** A dump whose uncompressed length in bytes is known. */
interface Measured {
  readonly backup: UsableBackup;
  readonly bytes: number;
}

/** The two newest dumps whose lengths can be compared. */
export interface MeasuredPair {
  readonly newest: Measured;
  readonly previous: Measured;
}

/**
 * The newest dump of a known length and the one before it: plain SQL, or with a manifest that tells the plain length,
 * and not known to be of another database.
 *
 * @returns undefined while there are no two
 */
export function measurePair(backups: readonly Backup[], now: Date): MeasuredPair | undefined {
  const [newest, ...older] = newestFirst(backups)
    .filter(isUsable)
    .filter((backup) => !isAhead(backup, now))
    .flatMap(measure);
  const previous = older.find(({ backup }) => newest !== undefined && comparable(backup, newest.backup));
  return newest === undefined || previous === undefined ? undefined : { newest, previous };
}

/**
 * @param share of the previous length below which the guard holds; 0 turns it off
 * @returns undefined when there is nothing to say
 */
export function judgeShrink(backups: readonly Backup[], share: number, now: Date): Shrink | undefined {
  const pair = measurePair(backups, now);
  if (pair === undefined || pair.newest.bytes >= pair.previous.bytes * share) return undefined;
  const { backup, bytes } = pair.newest;
  const previous = { id: pair.previous.backup.id, bytes: pair.previous.bytes };
  return { id: backup.id, key: backup.dump.key, bytes, previous };
}

/** The verdict in one sentence, for the log, `list` and `health`. */
export function describeShrink({ id, bytes, previous }: Shrink, share: number): string {
  return (
    `backup ${id} shrank: ${formatBytes(bytes)} after ${formatBytes(previous.bytes)} of ${previous.id}, ` +
    `so nothing is pruned (SHRINK_GUARD=${share}); look at the database, and set SHRINK_GUARD=0 if that is right`
  );
}

function measure(backup: UsableBackup): Measured[] {
  if (backup.state === 'complete') return [{ backup, bytes: backup.manifest.bytes }];
  return backup.dump.compression === null ? [{ backup, bytes: backup.dump.bytes }] : [];
}

function comparable(a: UsableBackup, b: UsableBackup): boolean {
  const [one, other] = [a.manifest?.database?.name, b.manifest?.database?.name];
  return one === undefined || other === undefined || one === other;
}
