import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import type { Timetable } from '../../src/schedule/schedule.ts';
import { nextTime, previousTime, requireNextTime, upcomingTimes } from '../../src/schedule/times.ts';

interface Case {
  readonly spec: string;
  readonly zone: string;
  readonly from: string;
  /** Five times, or fewer and `none`. */
  readonly next: readonly string[];
}

/** The cases of times.txt by their headings. */
function readCases(): { readonly heading: string; readonly cases: readonly Case[] }[] {
  const text = readFileSync(new URL('times.txt', import.meta.url), 'utf8');
  const blocks = text.trim().split('\n\n');
  return blocks.flatMap((block, index) => {
    if (block.startsWith('#')) return [];
    const heading = blocks[index - 1]!.replaceAll(/^# /gm, '').replaceAll('\n', ' ');
    const cases = [...block.matchAll(/^(.+) \| (.+) \| (.+)\n {2}(.+)$/gm)].map((match) => {
      const [, spec, zone, from, next] = match as unknown as [string, string, string, string, string];
      return { spec, zone, from, next: next.split('  ') };
    });
    expect(cases).toHaveLength(block.split('\n').length / 2);
    return [{ heading, cases }];
  });
}

function timetable(spec: string, zone = 'UTC'): Timetable {
  const schedule = parseSchedule(spec, zone);
  if (schedule.kind === 'none') throw new Error(`${spec} has no times`);
  return schedule;
}

const utc = (time: Date | undefined) => time?.toISOString() ?? 'none';

const GROUPS = readCases();

test('the table is whole', () => {
  expect(GROUPS.flatMap(({ cases }) => cases).length).toBeGreaterThanOrEqual(150);
});

describe.each(GROUPS)('$heading', ({ cases }) => {
  test.each(cases)('$spec in $zone after $from', ({ spec, zone, from, next }) => {
    const schedule = timetable(spec, zone);
    const expected = next.filter((time) => time !== 'none').map((time) => new Date(time).toISOString());
    expect(upcomingTimes(schedule, new Date(from), 5).map(utc)).toEqual(expected);
    const last = new Date(expected.at(-1) ?? from);
    if (next.includes('none')) expect(nextTime(schedule, last)).toBeUndefined();
    if (schedule.kind === 'every') return;
    // Backwards over the same times: each is found from itself on, up to just before the one that follows.
    for (const [index, time] of expected.entries()) {
      expect(utc(previousTime(schedule, new Date(time)))).toBe(time);
      if (index === 0) continue;
      expect(utc(previousTime(schedule, new Date(Date.parse(time) - 1)))).toBe(expected[index - 1]);
    }
  });
});

test('the previous time of an interval is one interval ago', () => {
  const now = new Date('2026-11-23T10:30:00.500Z');
  expect(utc(previousTime(timetable('@every 6h'), now))).toBe('2026-11-23T04:30:00.000Z');
});

test.each(['0 0 30 2 *', '0 0 31 4,6,9,11 *', '@every 50000h'])(
  '%s has no time, which is an error',
  (spec) => {
    const now = new Date('2026-11-23T10:30:00Z');
    expect(upcomingTimes(timetable(spec), now, 3)).toEqual([]);
    expect(previousTime(timetable(spec), now)).toBeUndefined();
    expect(() => requireNextTime(timetable(spec), now)).toThrow(
      `cannot follow the schedule "${spec}": it is not due within 5 years — `,
    );
  },
);
