import { type CronExpression, CronExpressionParser } from 'cron-parser';
import { ConfigError } from '../errors.ts';
import type { CronField, CronFields, CronSchedule, Timetable } from './schedule.ts';
import { furthestWall, instantOf } from './zone.ts';

/** A time more than this many years away counts as none. */
const YEARS_AHEAD = 5;

/**
 * The first time after `after`, never `after` itself; undefined if there is none within five years.
 *
 * Each reading of the zone's clock counts once: one that the clock skips is due at the first instant after the gap,
 * and one that it repeats is due only the first time.
 */
export function nextTime(schedule: Timetable, after: Date): Date | undefined {
  if (schedule.kind === 'every') return everyTime(schedule.seconds, after, 1);
  const { zone } = schedule;
  // A reading is yet to come if it is beyond all that the clock has shown.
  const shown = furthestWall(zone, after.getTime());
  const wall = findWall(schedule, shown, (times) => times.next());
  return wall === undefined ? undefined : new Date(instantOf(zone, wall));
}

/**
 * The last time at or before `at`, so that there is none between it and {@link nextTime}; undefined if there is none
 * within five years. An interval has no times of its own: its previous time is one interval ago.
 */
export function previousTime(schedule: Timetable, at: Date): Date | undefined {
  if (schedule.kind === 'every') return everyTime(schedule.seconds, at, -1);
  const { zone } = schedule;
  const shown = furthestWall(zone, at.getTime());
  const wall = findWall(schedule, shown + 1, (times) => times.prev());
  return wall === undefined ? undefined : new Date(instantOf(zone, wall));
}

/** The next `count` times after `after`; fewer if there are no more. */
export function upcomingTimes(schedule: Timetable, after: Date, count: number): Date[] {
  const times: Date[] = [];
  let time = nextTime(schedule, after);
  while (time !== undefined && times.length < count) {
    times.push(time);
    time = nextTime(schedule, time);
  }
  return times;
}

/**
 * The first time after `after`.
 *
 * @throws ConfigError for a schedule that has none, such as one for 30 February
 */
export function requireNextTime(schedule: Timetable, after: Date): Date {
  const time = nextTime(schedule, after);
  if (time !== undefined) return time;
  throw new ConfigError({
    doing: `cannot follow the schedule ${schedule.title}`,
    problem: `it is not due within ${YEARS_AHEAD} years`,
    remedy:
      schedule.kind === 'every'
        ? 'give a shorter interval, for example "@every 24h"'
        : 'give days that exist, for example "0 30 2 1 * *" (on the first of each month at 02:30)',
  });
}

function everyTime(seconds: number, from: Date, direction: 1 | -1): Date | undefined {
  if (seconds > YEARS_AHEAD * 366 * 86_400) return undefined;
  return new Date((Math.floor(from.getTime() / 1000) + direction * seconds) * 1000);
}

/**
 * Has cron-parser work on wall times as if they were UTC: it does the calendar, but not daylight saving. It receives
 * the fields as lists of numbers, so that its own grammar (7 as Sunday, `L`, `#`, `H`, ranges that wrap) never
 * applies.
 */
function findWall(
  { fields }: CronSchedule,
  from: number,
  step: (times: CronExpression) => { getTime(): number },
): number | undefined {
  const year = new Date(from).getUTCFullYear();
  try {
    const times = CronExpressionParser.parse(spell(fields), {
      tz: 'UTC',
      currentDate: new Date(from),
      startDate: new Date(Date.UTC(year - YEARS_AHEAD, 0)),
      endDate: new Date(Date.UTC(year + YEARS_AHEAD + 1, 0) - 1),
    });
    return step(times).getTime();
  } catch {
    // Valid fields fail only if their days do not occur, ever or between these dates.
    return undefined;
  }
}

function spell(fields: CronFields): string {
  const { second, minute, hour, dayOfMonth, month, dayOfWeek } = fields;
  return [second, minute, hour, dayOfMonth, month, dayOfWeek].map(spellField).join(' ');
}

function spellField({ values, starred }: CronField): string {
  return starred ? '*' : values.join(',');
}
