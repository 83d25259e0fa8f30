import { idTime } from '../catalog/backup-name.ts';
import type { Backup, UsableBackup } from '../catalog/catalog.ts';

/**
 * How far ahead of the clock, in milliseconds, a backup may be. The names of go-s3-backup may tell local time, which
 * is up to 14 hours ahead of UTC; what is further ahead was named by a clock that was wrong.
 */
const AHEAD_MS = 24 * 3_600_000;

/** When a backup was begun. The catalog holds none whose id tells no time. */
export function backupTime({ id }: Backup): Date {
  return idTime(id) ?? new Date(0);
}

/** Whether a backup's name lies so far in the future that nothing can be concluded from it. */
export function isAhead(backup: Backup, now: Date): boolean {
  return backupTime(backup).getTime() > now.getTime() + AHEAD_MS;
}

export function isUsable(backup: Backup): backup is UsableBackup {
  return backup.state !== 'broken';
}

const RANK = { complete: 0, foreign: 1, broken: 2 } as const;

/** Newest first; of one time the complete one first, then by key, so that the order is always the same. */
export function newestFirst<B extends Backup>(backups: readonly B[]): B[] {
  const rank = ({ state, dump }: Backup) => `${RANK[state]} ${dump?.key ?? ''}`;
  return backups.toSorted((a, b) => {
    if (a.id !== b.id) return a.id < b.id ? 1 : -1;
    return rank(a) < rank(b) ? -1 : 1;
  });
}
