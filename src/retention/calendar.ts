import { DateTime } from 'luxon';

/** Units of a calendar that backups are sorted into. Weeks are those of ISO 8601: from Monday, named by their Thursday's year. */
export const CALENDAR_UNITS = ['day', 'week', 'month', 'year'] as const;

export type CalendarUnit = (typeof CALENDAR_UNITS)[number];

const NAMES: Readonly<Record<CalendarUnit, string>> = {
  day: 'yyyy-MM-dd',
  week: "kkkk-'W'WW",
  month: 'yyyy-MM',
  year: 'yyyy',
};

/**
 * The day, week, month or year in which `time` lies by the clocks of `zone`: `2026-11-23`, `2026-W48`, `2026-11`, `2026`.
 */
export function calendarName(time: Date, unit: CalendarUnit, zone: string): string {
  return DateTime.fromJSDate(time, { zone }).toFormat(NAMES[unit]);
}

/** A span of the calendar; months and years are as long as the calendar has them. */
export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly weeks: number;
  readonly days: number;
  readonly hours: number;
}

/** The time that lies `span` before `time` by the clocks of `zone`; 31 March less one month is the last of February. */
export function spanBefore(time: Date, span: CalendarSpan, zone: string): Date {
  return DateTime.fromJSDate(time, { zone }).minus(span).toJSDate();
}
