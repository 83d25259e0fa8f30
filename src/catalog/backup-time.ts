import { idTime } from './backup-name.ts';
import type { Manifest } from './manifest.ts';

/**
 * How far ahead of the clock, in milliseconds, a backup may be. One with a manifest is named by UTC, and takes the next
 * free second of the minute; clocks of two machines may differ. The names of go-s3-backup may tell local time, which is
 * up to 14 hours ahead of UTC. What is further ahead was named by a clock that was wrong, or is wrong now.
 */
const AHEAD_MS = { own: 2 * 60_000, foreign: 24 * 3_600_000 };

/** When a backup was begun. The catalog holds none whose id tells no time. */
export function backupTime({ id }: { readonly id: string }): Date {
  return idTime(id) ?? new Date(0);
}

/** Whether a backup's name lies so far in the future that nothing can be concluded from it. */
export function isAhead(
  backup: { readonly id: string; readonly manifest?: Manifest | undefined },
  now: Date,
): boolean {
  const allowed = backup.manifest === undefined ? AHEAD_MS.foreign : AHEAD_MS.own;
  return backupTime(backup).getTime() > now.getTime() + allowed;
}
