import { expect, test } from 'vitest';
import { announceTimes } from '../../src/schedule/announce.ts';
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
    'backup: every hour (Europe/Berlin), next 2026-11-23 11:00:00 UTC, 2026-11-23 12:00:00 UTC, 2026-11-23 13:00:00 UTC, each up to 10m later',
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
