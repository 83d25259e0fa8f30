import { backupTime, isAhead } from '../catalog/backup-time.ts';
import { newestBackups } from '../catalog/catalog.ts';
import type { Store } from '../s3/store.ts';
import { formatTime } from '../ui/format.ts';
import type { Timetable } from './schedule.ts';
import { nextTime, previousTime } from './times.ts';

/** Whether a backup is wanted at once, and why. */
export type Missed =
  | { readonly missed: true; readonly reason: string }
  | { readonly missed: false; readonly reason: string; readonly next: Date | undefined };

/**
 * Whether a scheduled time has passed without a backup, and if not, when the next one comes: an interval goes on from
 * the newest backup, so that a restart neither lengthens nor shortens it.
 *
 * @param newest when the newest complete backup was begun; undefined when there is none
 */
export function judgeMissed(schedule: Timetable, newest: Date | undefined, now: Date): Missed {
  if (newest === undefined) return { missed: true, reason: 'there is no complete backup' };
  const due = previousTime(schedule, now);
  const is = `the newest complete backup is of ${formatTime(newest)}`;
  if (due === undefined || newest >= due) {
    // Of a clock a little ahead of this one.
    const last = newest < now ? newest : now;
    const next = nextTime(schedule, schedule.kind === 'every' ? last : now);
    return { missed: false, reason: is, next };
  }
  return { missed: true, reason: `${is}, and one was due ${formatTime(due)}` };
}

/**
 * When the newest complete backup was begun that no wrong clock has named.
 *
 * @throws StoreError when the bucket cannot be read
 */
export async function findNewestComplete(
  store: Store,
  prefix: string,
  now: Date,
  signal: AbortSignal,
): Promise<Date | undefined> {
  for await (const backup of newestBackups(store, prefix, signal)) {
    if (backup.state === 'complete' && !isAhead(backup, now)) return backupTime(backup);
  }
  return undefined;
}
