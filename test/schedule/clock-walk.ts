/**
 * The meaning of a schedule, found the slow way: an oracle that shares nothing with the implementation. It watches the
 * zone's clock, minute by minute as `Intl` shows it, and notes when each reading that matches is reached first.
 */

/** A field's text and the numbers that it stands for. */
export interface Field {
  readonly text: string;
  readonly values: readonly number[];
  /** `*` or `?`, which leaves the choice of days to the other field. */
  readonly starred: boolean;
}

export interface Fields {
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: Field;
  readonly month: Field;
  readonly dayOfWeek: Field;
}

const MINUTE = 60_000;
/** Longer than any clock was ever set back. */
const WARM_UP = 26 * 60;

/** All times after `from` and up to `to`, both on whole minutes. */
export function walkClock(fields: Fields, zone: string, from: number, to: number): string[] {
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  // The Swedish form is `2026-11-23 10:30`.
  const readingAt = (instant: number) => Date.parse(`${clock.format(instant).replace(' ', 'T')}Z`);
  const due: string[] = [];
  let furthest = readingAt(from - WARM_UP * MINUTE);
  for (let instant = from - WARM_UP * MINUTE; instant <= to; instant += MINUTE) {
    const reading = readingAt(instant);
    let matched = false;
    for (; furthest < reading; furthest += MINUTE) matched ||= matches(fields, new Date(furthest + MINUTE));
    if (matched && instant > from) due.push(new Date(instant).toISOString());
  }
  return due;
}

/** Whether a reading, written as if it were UTC, is one of the schedule's. */
function matches({ minute, hour, dayOfMonth, month, dayOfWeek }: Fields, reading: Date): boolean {
  const date = dayOfMonth.values.includes(reading.getUTCDate());
  const weekday = dayOfWeek.values.includes(reading.getUTCDay());
  return (
    minute.values.includes(reading.getUTCMinutes()) &&
    hour.values.includes(reading.getUTCHours()) &&
    month.values.includes(reading.getUTCMonth() + 1) &&
    (dayOfMonth.starred || dayOfWeek.starred ? date && weekday : date || weekday)
  );
}
