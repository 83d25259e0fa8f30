import { expect, test } from 'vitest';
import { announceTimes, isHasty, warnOfHaste } from '../../src/schedule/announce.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import type { Timetable } from '../../src/schedule/schedule.ts';

test.each([
  [
    '30 2 * * *',
    0,
    'backup: every day at 02:30 (Europe/Berlin), next 2026-11-24 01:30:00 UTC, 2026-11-25 01:30:00 UTC, 2026-11-26 01:30:00 UTC',
  ],
  [
    'TZ=Asia/Tokyo @weekly',
    0,
    'backup: at 00:00 on Sunday (Asia/Tokyo), next 2026-11-28 15:00:00 UTC, 2026-12-05 15:00:00 UTC, 2026-12-12 15:00:00 UTC',
  ],
  [
    '@hourly',
    600_000,
    'backup: every hour (Europe/Berlin), next 2026-11-23 11:00:00 UTC, 2026-11-23 12:00:00 UTC, 2026-11-23 13:00:00 UTC, each delayed by up to 10m',
  ],
  [
    '@every 6h',
    0,
    'backup: every 6 hours (Europe/Berlin), next 2026-11-23 16:30:00 UTC, 2026-11-23 22:30:00 UTC, 2026-11-24 04:30:00 UTC at the latest',
  ],
])(
  '%s with a random delay of %i ms is announced in words, with its zone and its next three times',
  (spec, randomDelay, line) => {
    const schedule = parseSchedule(spec, 'Europe/Berlin') as Timetable;
    const job = { name: 'backup', schedule, randomDelay, runAtStart: true };
    expect(announceTimes(job, new Date('2026-11-23T10:30:00Z'))).toBe(line);
  },
);

test.each([
  ['@every 0s', true],
  ['@every 59s', true],
  ['@every 1m', false],
  ['* * * * *', false],
  ['5 * * * * *', false],
  ['0,30 0 * * * *', true],
  ['none', false],
])('whether two times of %s may lie in one minute: %s', (spec, hasty) => {
  expect(isHasty(parseSchedule(spec, 'UTC'))).toBe(hasty);
});

const DAYS = { years: 0, months: 0, weeks: 0, days: 30, hours: 0 };

test.each([
  [7, undefined, 'the newest 7 backups (MAX_BACKUPS)'],
  [0, { text: '30d', span: DAYS }, 'all of them (MAX_BACKUPS=0)'],
  [1, { text: '30d', span: DAYS }, 'the newest 1 backup (MAX_BACKUPS) and all of the last 30d (KEEP_WITHIN)'],
])('where %i of the newest are kept, and %j, it is warned of', (newest, within, kept) => {
  const perUnit = { day: 0, week: 0, month: 0, year: 0 };
  const warning = warnOfHaste(parseSchedule('@every 0s', 'UTC'), { newest, perUnit, within });
  expect(warning).toContain(`takes backups more than once a minute, and retention keeps ${kept} — `);
});
