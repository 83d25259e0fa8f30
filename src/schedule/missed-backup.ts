import { formatTime } from '../ui/format.ts';
import type { Timetable } from './schedule.ts';
import { previousTime } from './times.ts';

/** Whether a backup is wanted at once, and why. */
export interface Missed {
  readonly missed: boolean;
  readonly reason: string;
}

/** One that was pushed is listed as complete all the same. */
const NONE = 'there is no complete backup taken of this database';

/**
 * Whether a scheduled time has passed without a backup.
 *
 * @param newest when the newest complete backup of the database was begun that was taken, not pushed; undefined for none
 */
export function judgeMissed(schedule: Timetable, newest: Date | undefined, now: Date): Missed {
  if (newest === undefined) return { missed: true, reason: NONE };
  const due = previousTime(schedule, now);
  const is = `the newest complete backup taken is from ${formatTime(newest)}`;
  if (due === undefined || newest >= due) return { missed: false, reason: is };
  return { missed: true, reason: `${is}, and one was due at ${formatTime(due)}` };
}

/**
 * The first time at or after `now` of an interval that goes on from the newest backup, so that restarts of the service
 * neither lengthen nor shorten it.
 *
 * @returns undefined where the times are not reckoned from the newest backup
 */
export function resumeInterval(schedule: Timetable, newest: Date | undefined, now: Date): Date | undefined {
  // One of a clock that is a little ahead of this one is no reason to wait for longer.
  if (schedule.kind !== 'every' || newest === undefined || newest > now) return undefined;
  const interval = schedule.seconds * 1000;
  const times = Math.max(1, Math.ceil((now.getTime() - newest.getTime()) / interval));
  return new Date(newest.getTime() + times * interval);
}
