import { expect, test } from 'vitest';
import { parseTime } from '../../src/commands/time-option.ts';

test.each([
  ['2026-11-23', '2026-11-23T00:00:00.000Z'],
  ['2026-11-23T10:30', '2026-11-23T10:30:00.000Z'],
  ['2026-11-23 10:30:15', '2026-11-23T10:30:15.000Z'],
  ['2026-11-23T10:30:15.250Z', '2026-11-23T10:30:15.250Z'],
  ['2026-11-23T10:30+05:30', '2026-11-23T05:00:00.000Z'],
  ['20261123103000', '2026-11-23T10:30:00.000Z'],
])('%s is %s', (text, time) => {
  expect(parseTime(text)?.toISOString()).toBe(time);
});

test.each(['', 'now', '2026', '2026-13-01', '2026-02-30T25:00', '20261323103000', '10:30'])(
  '%j is no time',
  (text) => {
    expect(parseTime(text)).toBeUndefined();
  },
);
