import type { CronField, CronFieldName, CronFields } from './schedule.ts';

/** What a field may contain. */
interface FieldRule {
  /** Its name in messages. */
  readonly title: string;
  readonly min: number;
  readonly max: number;
  /** Names, in any case; the first means `min`. */
  readonly names?: readonly string[];
  /** Values that an operator may want, for messages. */
  readonly example: string;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const RULES: Readonly<Record<CronFieldName, FieldRule>> = {
  second: { title: 'second', min: 0, max: 59, example: '0 or 0,30' },
  minute: { title: 'minute', min: 0, max: 59, example: '30 or */15' },
  hour: { title: 'hour', min: 0, max: 23, example: '2 or 9-17' },
  dayOfMonth: { title: 'day of month', min: 1, max: 31, example: '1,15 or *' },
  month: { title: 'month', min: 1, max: 12, names: MONTHS, example: 'JAN-MAR or *' },
  dayOfWeek: { title: 'day of week', min: 0, max: 6, names: DAYS, example: 'MON-FRI or 0 for Sunday' },
};

/** What is wrong with a field, and an example of what it may contain. */
export class FieldProblem extends Error {
  readonly example: string;

  constructor(rule: FieldRule, problem: string) {
    super(`${rule.title}: ${problem}`);
    this.example = `the ${rule.title} may be ${rule.min} to ${rule.max}, for example ${rule.example}`;
  }
}

/**
 * Reads six fields, seconds first, or five, minutes first.
 *
 * @returns undefined for another number of fields
 * @throws FieldProblem
 */
export function parseCronFields(spec: string): CronFields | undefined {
  const given = spec.split(/\s+/);
  const [second, minute, hour, dayOfMonth, month, dayOfWeek, ...more] =
    given.length === 5 ? ['0', ...given] : given;
  if (second === undefined || minute === undefined || hour === undefined) return undefined;
  if (dayOfMonth === undefined || month === undefined || dayOfWeek === undefined) return undefined;
  if (more.length > 0) return undefined;
  return {
    second: parseField(second, RULES.second),
    minute: parseField(minute, RULES.minute),
    hour: parseField(hour, RULES.hour),
    dayOfMonth: parseField(dayOfMonth, RULES.dayOfMonth),
    month: parseField(month, RULES.month),
    dayOfWeek: parseField(dayOfWeek, RULES.dayOfWeek),
  };
}

function parseField(text: string, rule: FieldRule): CronField {
  const items = text.split(',').map((item) => {
    if (item === '') throw new FieldProblem(rule, `${JSON.stringify(text)} has an empty item in its list`);
    return parseItem(item, rule);
  });
  const values = [...new Set(items.flatMap((item) => item.values))].sort((a, b) => a - b);
  return { values, starred: items.some(({ starred }) => starred) };
}

/** `*`, `?`, `N` or `N-M`, each with or without `/STEP`. */
function parseItem(item: string, rule: FieldRule): CronField {
  const [range = '', stepText, ...furtherSteps] = item.split('/');
  if (furtherSteps.length > 0) throw new FieldProblem(rule, `${JSON.stringify(item)} has more than one /`);
  if (range === '') throw new FieldProblem(rule, `${JSON.stringify(item)} has nothing before its /`);
  const step = stepText === undefined ? 1 : parseStep(stepText, rule);
  const star = range === '*' || range === '?';
  const [start, end] = star
    ? [rule.min, rule.max]
    : // A step without an end goes on to the end of the range.
      parseRange(range, stepText === undefined ? undefined : rule.max, rule);
  const values: number[] = [];
  for (let value = start; value <= end; value += step) values.push(value);
  return { values, starred: star && step === 1 };
}

function parseRange(range: string, openEnd: number | undefined, rule: FieldRule): [number, number] {
  const [startText = '', endText, ...further] = range.split('-');
  if (further.length > 0 || startText === '') {
    const problem = startText === '' ? 'negative numbers are not accepted' : 'more than one -';
    throw new FieldProblem(rule, `${JSON.stringify(range)}: ${problem}`);
  }
  const start = parseValue(startText, rule);
  const end = endText === undefined ? (openEnd ?? start) : parseValue(endText, rule);
  if (start > end) throw new FieldProblem(rule, `${JSON.stringify(range)} starts after it ends`);
  return [start, end];
}

function parseValue(text: string, rule: FieldRule): number {
  const named = rule.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return rule.min + named;
  if (!/^\d+$/.test(text)) {
    const expected = rule.names === undefined ? 'not a number' : 'neither a number nor a name';
    throw new FieldProblem(rule, `${JSON.stringify(text)} is ${expected}`);
  }
  const value = Number(text);
  if (value < rule.min || value > rule.max) throw new FieldProblem(rule, `${text} is out of range`);
  return value;
}

function parseStep(text: string, rule: FieldRule): number {
  if (!/^\d+$/.test(text)) throw new FieldProblem(rule, `the step ${JSON.stringify(text)} is not a number`);
  const step = Number(text);
  if (step === 0) throw new FieldProblem(rule, 'the step must not be 0');
  return step;
}
