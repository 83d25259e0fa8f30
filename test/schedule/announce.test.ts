import { expect, test } from 'vitest';
import { announceTimes } from '../../src/schedule/announce.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import type { Timetable } from '../../src/schedule/schedule.ts';

test.each([
  [
    '30 2 * * *',
    'backup: every day at 02:30 (Europe/Berlin), next 2026-11-24 01:30:00 UTC, 2026-11-25 01:30:00 UTC, 2026-11-26 01:30:00 UTC',
  ],
  [
    'TZ=Asia/Tokyo @weekly',
    'backup: at 00:00 on Sunday (Asia/Tokyo), next 2026-11-28 15:00:00 UTC, 2026-12-05 15:00:00 UTC, 2026-12-12 15:00:00 UTC',
  ],
])('%s is announced in words, with its zone and its next three times', (spec, line) => {
  const schedule = parseSchedule(spec, 'Europe/Berlin') as Timetable;
  expect(announceTimes('backup', schedule, new Date('2026-11-23T10:30:00Z'))).toBe(line);
});
