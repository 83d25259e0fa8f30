import { formatTime } from '../ui/format.ts';
import type { Timetable } from './schedule.ts';
import { previousTime } from './times.ts';

/** Whether a backup is needed at once, and why. */
export interface Missed {
  readonly missed: boolean;
  readonly reason: string;
}

/** It says "taken" because a pushed backup is listed as complete too. */
const NONE = 'there is no complete backup taken of this database';

/**
 * Whether a scheduled time has passed without a backup.
 *
 * @param newest when the database's newest complete backup that was taken, not pushed, was begun; undefined for none
 */
export function judgeMissed(schedule: Timetable, newest: Date | undefined, now: Date): Missed {
  if (newest === undefined) return { missed: true, reason: NONE };
  const due = previousTime(schedule, now);
  const is = `the newest complete backup taken is from ${formatTime(newest)}`;
  if (due === undefined || newest >= due) return { missed: false, reason: is };
  return { missed: true, reason: `${is}, and one was due at ${formatTime(due)}` };
}

/**
 * The first time at or after `now` of an interval that continues from the newest backup, so that restarts of the
 * service neither lengthen nor shorten it.
 *
 * @returns undefined if the times do not depend on the newest backup
 */
export function resumeInterval(schedule: Timetable, newest: Date | undefined, now: Date): Date | undefined {
  // A backup made by a clock slightly ahead of this one is no reason to wait longer.
  if (schedule.kind !== 'every' || newest === undefined || newest > now) return undefined;
  const interval = schedule.seconds * 1000;
  const times = Math.max(1, Math.ceil((now.getTime() - newest.getTime()) / interval));
  return new Date(newest.getTime() + times * interval);
}
