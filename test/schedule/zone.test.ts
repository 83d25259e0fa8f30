import { expect, test } from 'vitest';
import { formatInZone, openZone } from '../../src/schedule/zone.ts';

test.each([
  ['UTC', '2026-11-23T10:30:00Z', '2026-11-23 10:30:00 +00:00'],
  ['Europe/Berlin', '2026-07-01T22:30:00Z', '2026-07-02 00:30:00 +02:00'],
  ['America/St_Johns', '2026-12-01T02:00:00Z', '2026-11-30 22:30:00 -03:30'],
  ['Asia/Kathmandu', '2026-11-23T10:30:59.999Z', '2026-11-23 16:15:59 +05:45'],
  ['Pacific/Kiritimati', '2026-12-31T12:00:00Z', '2027-01-01 02:00:00 +14:00'],
])('the clock of %s at %s shows %s', (name, time, shown) => {
  expect(formatInZone(openZone(name)!, new Date(time))).toBe(shown);
});

test.each(['', 'Mars/Olympus', 'Local', '+02:00', 'CET-1CEST', '../UTC'])('%j is no zone', (name) => {
  expect(openZone(name)).toBeUndefined();
});
