import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeSchedule } from '../../src/schedule/describe-schedule.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import type { Timetable } from '../../src/schedule/schedule.ts';
import { nextTime, previousTime, upcomingTimes } from '../../src/schedule/times.ts';
import { type Field, type Fields, walkClock } from './clock-walk.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Zones, and instants at which their clocks were set. */
const CHANGES = [
  ['Europe/Berlin', '2024-03-31T01:00Z', '2024-10-27T01:00Z'],
  ['America/New_York', '2024-03-10T07:00Z', '2024-11-03T06:00Z'],
  ['Australia/Sydney', '2024-04-06T16:00Z', '2024-10-05T16:00Z'],
  ['America/Santiago', '2024-04-07T03:00Z', '2024-09-08T04:00Z'],
  ['Australia/Lord_Howe', '2024-04-06T15:00Z', '2024-10-05T15:30Z'],
  ['Antarctica/Troll', '2024-03-31T01:00Z', '2024-10-27T01:00Z'],
  ['Asia/Beirut', '2024-03-30T22:00Z', '2024-10-26T21:00Z'],
  ['Pacific/Chatham', '2024-04-06T14:00Z', '2024-09-28T14:00Z'],
  ['America/St_Johns', '2010-03-14T03:31Z', '2010-11-07T02:31Z'],
  ['Asia/Pyongyang', '2015-08-14T15:00Z', '2018-05-04T15:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z', '2012-03-31T14:00Z'],
  ['UTC', '2024-02-29T00:00Z', '2023-12-31T23:00Z'],
] as const;

const place = fc
  .constantFrom(...CHANGES)
  .chain(([zone, ...changes]) => fc.record({ zone: fc.constant(zone), change: fc.constantFrom(...changes) }));

/** A field's text together with what it means. */
function field(min: number, max: number, names: readonly string[] = []): fc.Arbitrary<Field> {
  const value = fc.integer({ min, max });
  const spell = (number: number) => fc.constantFrom(String(number), names[number - min] ?? String(number));
  const upTo = (from: number, to: number, step: number) =>
    Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
  const step = fc.integer({ min: 1, max: max + 2 });
  const star = fc.tuple(fc.constantFrom('*', '?'), fc.option(step)).map(([sign, by]) => ({
    text: by === null ? sign : `${sign}/${by}`,
    values: upTo(min, max, by ?? 1),
    starred: (by ?? 1) === 1,
  }));
  const single = value.chain((number) =>
    spell(number).map((text) => ({ text, values: [number], starred: false })),
  );
  const open = fc
    .tuple(value, step)
    .map(([from, by]) => ({ text: `${from}/${by}`, values: upTo(from, max, by), starred: false }));
  const range = fc.tuple(value, value, fc.option(step)).chain(([a, b, by]) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    return fc.tuple(spell(from), spell(to)).map(([first, last]) => ({
      text: `${first}-${last}${by === null ? '' : `/${by}`}`,
      values: upTo(from, to, by ?? 1),
      starred: false,
    }));
  });
  return fc.array(fc.oneof(star, single, open, range), { minLength: 1, maxLength: 3 }).map((items) => ({
    text: items.map(({ text }) => text).join(','),
    values: items.flatMap(({ values }) => values),
    starred: items.some(({ starred }) => starred),
  }));
}

const MONTHS = ['jan', 'FEB', 'Mar', 'apr', 'MAY', 'Jun', 'jul', 'AUG', 'Sep', 'oct', 'NOV', 'Dec'];
const DAYS = ['sun', 'MON', 'Tue', 'wed', 'THU', 'Fri', 'sat'];

const fields: fc.Arbitrary<Fields> = fc.record({
  minute: field(0, 59),
  hour: field(0, 23),
  dayOfMonth: field(1, 31),
  month: field(1, 12, MONTHS),
  dayOfWeek: field(0, 6, DAYS),
});

const spell = ({ minute, hour, dayOfMonth, month, dayOfWeek }: Fields) =>
  [minute, hour, dayOfMonth, month, dayOfWeek].map(({ text }) => text).join(' ');

const timetable = (spec: string, zone: string) => parseSchedule(spec, zone) as Timetable;

test('the times are those at which the zone’s clock first reaches a reading that matches', () => {
  fc.assert(
    fc.property(fields, place, fc.integer({ min: -2000, max: 100 }), (given, { zone, change }, minutes) => {
      const from = Date.parse(change) + minutes * MINUTE;
      const to = from + DAY;
      const expected = walkClock(given, zone, from, to);
      const schedule = timetable(spell(given), zone);
      const found: string[] = [];
      for (let time = nextTime(schedule, new Date(from)); time !== undefined && time.getTime() <= to; ) {
        found.push(time.toISOString());
        if (found.length > expected.length) break;
        time = nextTime(schedule, time);
      }
      expect(found).toEqual(expected);
    }),
    { numRuns: 120 },
  );
});

test('nothing lies between the previous time and the next, and each is found from the other', () => {
  fc.assert(
    fc.property(
      fields,
      fc.integer({ min: 0, max: 59 }),
      place,
      fc.integer({ min: -3 * DAY, max: 3 * DAY }),
      (given, second, { zone, change }, ms) => {
        const schedule = timetable(`${second} ${spell(given)}`, zone);
        const at = new Date(Date.parse(change) + ms);
        const next = nextTime(schedule, at);
        const previous = previousTime(schedule, at);
        if (next !== undefined) {
          expect(next.getTime()).toBeGreaterThan(at.getTime());
          expect(next.getTime() % 1000).toBe(0);
          expect(previousTime(schedule, next)).toEqual(next);
          expect(previousTime(schedule, new Date(next.getTime() - 1))).toEqual(previous);
        }
        if (previous !== undefined) {
          expect(previous.getTime()).toBeLessThanOrEqual(at.getTime());
          expect(nextTime(schedule, new Date(previous.getTime() - 1))).toEqual(previous);
          expect(nextTime(schedule, previous)).toEqual(next);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('every second of any day is found, through the changes of the clock', () => {
  for (const [zone, ...changes] of CHANGES) {
    for (const change of changes) {
      const from = new Date(Date.parse(change) - 3000);
      const times = upcomingTimes(timetable('* * * * * *', zone), from, 3).map((time) => time.getTime());
      expect(times.slice(0, 2)).toEqual([from.getTime() + 1000, from.getTime() + 2000]);
      expect(times[2]! % 1000).toBe(0);
    }
  }
});

test('any times can be told in words', () => {
  fc.assert(
    fc.property(fields, (given) => {
      const words = describeSchedule(timetable(spell(given), 'UTC'));
      expect(words).toMatch(/^(every|at) [\w:, ]+$/);
      expect(words).not.toMatch(/undefined|NaN| {2}|, *$/);
    }),
  );
});
