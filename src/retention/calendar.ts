import { DateTime } from 'luxon';

/**
 * Calendar units that backups are grouped by. Weeks are ISO 8601: from Monday, named by the year of their Thursday.
 */
export const CALENDAR_UNITS = ['day', 'week', 'month', 'year'] as const;

/** One of {@link CALENDAR_UNITS}. */
export type CalendarUnit = (typeof CALENDAR_UNITS)[number];

const NAMES: Readonly<Record<CalendarUnit, string>> = {
  day: 'yyyy-MM-dd',
  week: "kkkk-'W'WW",
  month: 'yyyy-MM',
  year: 'yyyy',
};

/** The day, week, month or year of `time` in `zone`: `2026-11-23`, `2026-W48`, `2026-11`, `2026`. */
export function calendarName(time: Date, unit: CalendarUnit, zone: string): string {
  return DateTime.fromJSDate(time, { zone }).toFormat(NAMES[unit]);
}

/** A calendar span; the length of months and years depends on the calendar. */
export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly weeks: number;
  readonly days: number;
  readonly hours: number;
}

/** The time `span` before `time` in `zone`; 31 March less one month is the last day of February. */
export function spanBefore(time: Date, span: CalendarSpan, zone: string): Date {
  return DateTime.fromJSDate(time, { zone }).minus(span).toJSDate();
}
