import { idTime } from './backup-name.ts';
import type { ManifestHead } from './manifest.ts';

/**
 * How far ahead of the clock, in milliseconds, a backup may be. A backup with a manifest is named in UTC and takes
 * the next free second within a minute; and the clocks of two machines may differ. go-s3-backup may name backups in
 * local time, which is up to 14 hours ahead of UTC. Anything further ahead was named by a clock that was wrong, or
 * the clock is wrong now.
 */
const AHEAD_MS = { own: 2 * 60_000, foreign: 24 * 3_600_000 };

/** When a backup was begun. The catalog holds none whose id contains no time. */
export function backupTime({ id }: { readonly id: string }): Date {
  return idTime(id) ?? new Date(0);
}

/** When the dump of a backup was made. The manifest of a pushed dump says when it was pushed. */
export function dumpTime(backup: {
  readonly id: string;
  readonly manifest?: ManifestHead | undefined;
}): Date {
  const { manifest } = backup;
  return manifest === undefined || manifest.database === null
    ? backupTime(backup)
    : new Date(manifest.startedAt);
}

/** Whether a backup's name is so far in the future that nothing can be concluded from it. */
export function isAhead(
  backup: { readonly id: string; readonly manifest?: ManifestHead | undefined },
  now: Date,
): boolean {
  const allowed = backup.manifest === undefined ? AHEAD_MS.foreign : AHEAD_MS.own;
  return backupTime(backup).getTime() > now.getTime() + allowed;
}
