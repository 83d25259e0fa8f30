import prettyMilliseconds from 'pretty-ms';
import type { CronFields, Schedule } from './schedule.ts';

/** More times a day than this are described by a rule instead of one by one. */
const MOST_TIMES = 6;

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** A schedule in plain English: `every day at 02:30`, `every 15 minutes on Monday to Friday`. */
export function describeSchedule(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'none':
      return 'once, now';
    case 'every':
      return describeInterval(schedule.seconds);
    case 'cron':
      return describeFields(schedule.fields);
  }
}

function describeInterval(seconds: number): string {
  return `every ${prettyMilliseconds(seconds * 1000, { verbose: true }).replace(/^1 (\w+)$/, '$1')}`;
}

function describeFields(fields: CronFields): string {
  const times = describeTimes(fields);
  const days = describeDays(fields);
  if (days !== '') return `${times} ${days}`;
  return /^at \d\d:/.test(times) ? `every day ${times}` : times;
}

function describeTimes(fields: CronFields): string {
  const { second, minute, hour } = fields;
  if (second.values.length * minute.values.length * hour.values.length <= MOST_TIMES) {
    return `at ${list(clockTimes(fields))}`;
  }
  if (second.values.length > 1) {
    const beat = describeBeat(second.values, 'second');
    const minutes = within(minute.values, 'minute', 60, beat.startsWith('at'));
    return join(beat, minutes, within(hour.values, 'hour', 24, minutes.startsWith('of minute')));
  }
  if (minute.values.length > 1) {
    const beat = describeBeat(minute.values, 'minute');
    const atSecond = second.values[0] === 0 ? '' : `at second ${second.values[0]}`;
    return join(beat, atSecond, within(hour.values, 'hour', 24, beat.startsWith('at')));
  }
  return describeHours(hour.values, clockTimes(fields));
}

function clockTimes({ second, minute, hour }: CronFields): string[] {
  return hour.values.flatMap((h) => minute.values.flatMap((m) => second.values.map((s) => clock(h, m, s))));
}

/** One time in each of many hours. */
function describeHours(hours: readonly number[], times: readonly string[]): string {
  const step = stepOf(hours, 24);
  if (step !== undefined) {
    return join(step === 1 ? 'every hour' : `every ${step} hours`, from(times[0], '00:00'));
  }
  const [run, ...more] = runs(hours);
  const everyHour = run !== undefined && more.length === 0;
  return everyHour ? `every hour from ${times[0]} to ${times.at(-1)}` : `at ${list(times)}`;
}

/** Many values of the smallest unit that varies: `every 15 minutes`, `at minutes 0 and 7`. */
function describeBeat(values: readonly number[], unit: 'second' | 'minute'): string {
  const step = stepOf(values, 60);
  if (step === undefined) return `at ${unit}s ${listRuns(values, String)}`;
  return join(
    step === 1 ? `every ${unit}` : `every ${step} ${unit}s`,
    from(`${unit} ${values[0]}`, `${unit} 0`),
  );
}

function from(first: string | undefined, start: string): string {
  return first === undefined || first === start ? '' : `from ${first} on`;
}

/** The values of a larger unit. If these are all of its values, nothing is said unless the sentence needs it. */
function within(values: readonly number[], unit: string, size: number, say: boolean): string {
  if (values.length === size) return say ? `of every ${unit}` : '';
  const [only] = values;
  return values.length === 1 ? `of ${unit} ${only}` : `of ${unit}s ${listRuns(values, String)}`;
}

function describeDays({ dayOfMonth, month, dayOfWeek }: CronFields): string {
  const months = month.values.length === 12 ? '' : listRuns(month.values, (value) => MONTHS[value - 1] ?? '');
  const inMonths = months === '' ? '' : `in ${months}`;
  const dates =
    dayOfMonth.values.length === 1
      ? `on day ${dayOfMonth.values[0]}`
      : `on days ${listRuns(dayOfMonth.values, String)}`;
  const ofMonths = `${dates} of ${months === '' ? 'every month' : months}`;
  const weekdays = `on ${listRuns(dayOfWeek.values, (value) => DAYS[value] ?? '')}`;
  const allDates = dayOfMonth.values.length === 31;
  const allWeekdays = dayOfWeek.values.length === 7;
  if (dayOfMonth.starred || dayOfWeek.starred) {
    if (!allDates) return ofMonths;
    return join(allWeekdays ? '' : weekdays, inMonths);
  }
  // Either field suffices, so if one names every day, the other has no effect.
  return allDates || allWeekdays ? inMonths : join(ofMonths, 'or', weekdays, inMonths);
}

/**
 * The step between values that are spread evenly over all of `size`, including from the last to the next first one.
 */
function stepOf(values: readonly number[], size: number): number | undefined {
  const step = size / values.length;
  const [first = 0] = values;
  return values.every((value, index) => value === first + index * step) ? step : undefined;
}

/** Groups values into runs of neighbours: 1, 2, 3, 7 become 1–3 and 7. */
function runs(values: readonly number[]): (readonly [first: number, last: number])[] {
  const found: [number, number][] = [];
  for (const value of values) {
    const run = found.at(-1);
    if (run !== undefined && run[1] === value - 1) run[1] = value;
    else found.push([value, value]);
  }
  return found;
}

function listRuns(values: readonly number[], name: (value: number) => string): string {
  return list(
    runs(values).flatMap(([first, last]) => {
      if (first === last) return [name(first)];
      return last === first + 1 ? [name(first), name(last)] : [`${name(first)} to ${name(last)}`];
    }),
  );
}

function list(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

function clock(hour: number, minute: number, second: number): string {
  const shown = second === 0 ? [hour, minute] : [hour, minute, second];
  return shown.map((value) => String(value).padStart(2, '0')).join(':');
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
