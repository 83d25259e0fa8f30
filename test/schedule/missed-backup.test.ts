import { expect, test } from 'vitest';
import { judgeMissed, resumeInterval } from '../../src/schedule/missed-backup.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import type { Timetable } from '../../src/schedule/schedule.ts';

test.each([
  { spec: '@daily', newest: undefined, missed: true, why: 'there is none' },
  { spec: '@daily', newest: '2026-11-22T00:00:00Z', missed: true, why: 'a day was left out' },
  { spec: '@daily', newest: '2026-11-22T23:59:59Z', missed: true, why: 'it was begun before the time' },
  { spec: '@daily', newest: '2026-11-23T00:00:00Z', missed: false, why: 'it was begun at the time' },
  { spec: '@daily', newest: '2026-11-23T09:00:00Z', missed: false, why: 'one was taken by hand since' },
  { spec: '@daily', newest: '2026-11-23T11:00:00Z', missed: false, why: 'it is ahead of this clock' },
  { spec: 'TZ=America/New_York @daily', newest: '2026-11-23T04:59:59Z', missed: true, why: 'of the zone' },
  { spec: 'TZ=America/New_York @daily', newest: '2026-11-23T05:00:00Z', missed: false, why: 'of the zone' },
  { spec: '30 10 * * *', newest: '2026-11-23T10:29:00Z', missed: true, why: 'the time is now' },
  { spec: '@every 6h', newest: '2026-11-23T04:29:59Z', missed: true, why: 'it is more than an interval old' },
  { spec: '@every 6h', newest: '2026-11-23T04:30:00Z', missed: false, why: 'it is an interval old' },
  { spec: '@yearly', newest: '2025-12-31T00:00:00Z', missed: true, why: 'the year has changed' },
  { spec: '0 0 29 2 *', newest: '2024-02-29T00:00:00Z', missed: false, why: 'there was no leap year since' },
])('$spec at 10:30 with $newest: $missed, for $why', ({ spec, newest, missed }) => {
  const schedule = parseSchedule(spec, 'UTC') as Timetable;
  const begun = newest === undefined ? undefined : new Date(newest);
  expect(judgeMissed(schedule, begun, new Date('2026-11-23T10:30:00Z'))).toMatchObject({ missed });
});

test('the reason names the time that was missed, and the newest backup', () => {
  const schedule = parseSchedule('@daily', 'UTC') as Timetable;
  const { reason } = judgeMissed(
    schedule,
    new Date('2026-11-21T00:00:04Z'),
    new Date('2026-11-23T10:30:00Z'),
  );
  expect(reason).toBe(
    'the newest complete backup taken is from 2026-11-21 00:00:04 UTC, and one was due at 2026-11-23 00:00:00 UTC',
  );
});

test('where none was taken that is the reason, whatever was pushed', () => {
  const schedule = parseSchedule('@daily', 'UTC') as Timetable;
  expect(judgeMissed(schedule, undefined, new Date('2026-11-23T10:30:00Z'))).toEqual({
    missed: true,
    reason: 'there is no complete backup taken of this database',
  });
});

test.each([
  { spec: '@daily', newest: '2026-11-23T09:00:00Z', next: undefined, why: 'it has times of its own' },
  { spec: '@every 6h', newest: undefined, next: undefined, why: 'there is nothing to go on from' },
  { spec: '@every 6h', newest: '2026-11-23T05:06:07Z', next: '2026-11-23T11:06:07Z', why: 'it runs' },
  { spec: '@every 6h', newest: '2026-11-23T04:30:00Z', next: '2026-11-23T10:30:00Z', why: 'the time is now' },
  {
    spec: '@every 6h',
    newest: '2026-11-22T10:00:00Z',
    next: '2026-11-23T16:00:00Z',
    why: 'four were missed',
  },
  {
    spec: '@every 6h',
    newest: '2026-11-23T10:30:00Z',
    next: '2026-11-23T16:30:00Z',
    why: 'it has just begun',
  },
  { spec: '@every 6h', newest: '2026-11-23T10:31:00Z', next: undefined, why: 'its clock is ahead' },
])('$spec at 10:30 with $newest goes on at $next: $why', ({ spec, newest, next }) => {
  const schedule = parseSchedule(spec, 'UTC') as Timetable;
  const begun = newest === undefined ? undefined : new Date(newest);
  expect(resumeInterval(schedule, begun, new Date('2026-11-23T10:30:00Z'))).toEqual(
    next === undefined ? undefined : new Date(next),
  );
});
