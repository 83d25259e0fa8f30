import { idTime } from './backup-name.ts';

/**
 * How far ahead of the clock, in milliseconds, a backup may be. The names of go-s3-backup may tell local time, which
 * is up to 14 hours ahead of UTC; what is further ahead was named by a clock that was wrong.
 */
const AHEAD_MS = 24 * 3_600_000;

/** When a backup was begun. The catalog holds none whose id tells no time. */
export function backupTime({ id }: { readonly id: string }): Date {
  return idTime(id) ?? new Date(0);
}

/** Whether a backup's name lies so far in the future that nothing can be concluded from it. */
export function isAhead(backup: { readonly id: string }, now: Date): boolean {
  return backupTime(backup).getTime() > now.getTime() + AHEAD_MS;
}
