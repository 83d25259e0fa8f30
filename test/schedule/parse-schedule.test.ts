import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';

/** A spec, and what the message says of it between the spec and the example. */
const REJECTED: readonly (readonly [spec: string, problem: string, example: string])[] = [
  // How many fields.
  ['', 'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 0', '0 30 2 * * *'],
  ['*', 'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 1', '0 30 2 * * *'],
  [
    '30 2 * *',
    'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 4',
    '0 30 2 * * *',
  ],
  [
    '0 0 30 2 * * *',
    'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 7',
    '0 30 2 * * *',
  ],
  ['daily', 'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 1', '@daily'],
  ['None', 'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 1', '@daily'],
  ['toString', 'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 1', '@daily'],
  ['none 1', 'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 2', '@daily'],
  // Out of range, in every field.
  ['60 * * * * *', 'second: 60 is out of range', 'the second may be 0 to 59'],
  ['60 * * * *', 'minute: 60 is out of range', 'the minute may be 0 to 59'],
  ['0 24 * * *', 'hour: 24 is out of range', 'the hour may be 0 to 23'],
  ['0 0 0 * *', 'day of month: 0 is out of range', 'the day of month may be 1 to 31'],
  ['0 0 32 * *', 'day of month: 32 is out of range', 'the day of month may be 1 to 31'],
  ['0 0 * 0 *', 'month: 0 is out of range', 'the month may be 1 to 12'],
  ['0 0 * 13 *', 'month: 13 is out of range', 'the month may be 1 to 12'],
  ['0 0 * * 7', 'day of week: 7 is out of range', '0 for Sunday'],
  ['0 0 * * 5-7', 'day of week: 7 is out of range', '0 for Sunday'],
  ['0 0 * * 8/2', 'day of week: 8 is out of range', '0 for Sunday'],
  ['0 0-99 * * *', 'hour: 99 is out of range', 'the hour may be 0 to 23'],
  ['99999999999999999999 * * * *', 'minute: 99999999999999999999 is out of range', '0 to 59'],
  // Numbers and names.
  ['-5 * * * *', 'minute: "-5": negative numbers are not accepted', '0 to 59'],
  ['5--7 * * * *', 'minute: "5--7": more than one -', '0 to 59'],
  ['+5 * * * *', 'minute: "+5" is not a number', '0 to 59'],
  ['1.5 * * * *', 'minute: "1.5" is not a number', '0 to 59'],
  ['0x5 * * * *', 'minute: "0x5" is not a number', '0 to 59'],
  ['MON * * * *', 'minute: "MON" is not a number', '0 to 59'],
  ['0 0 * MON *', 'month: "MON" is neither a number nor a name', 'JAN-MAR'],
  ['0 0 * * JAN', 'day of week: "JAN" is neither a number nor a name', 'MON-FRI'],
  ['0 0 * * Monday', 'day of week: "Monday" is neither a number nor a name', 'MON-FRI'],
  ['0 0 MON * *', 'day of month: "MON" is not a number', '1 to 31'],
  // Ranges.
  ['10-5 * * * *', 'minute: "10-5" starts after it ends', '0 to 59'],
  ['0 0 * NOV-FEB *', 'month: "NOV-FEB" starts after it ends', 'JAN-MAR'],
  ['0 0 * * FRI-MON', 'day of week: "FRI-MON" starts after it ends', 'MON-FRI'],
  ['1-2-3 * * * *', 'minute: "1-2-3": more than one -', '0 to 59'],
  ['1- * * * *', 'minute: "" is not a number', '0 to 59'],
  ['*-5 * * * *', 'minute: "*" is not a number', '0 to 59'],
  ['** * * * *', 'minute: "**" is not a number', '0 to 59'],
  // Steps.
  ['*/0 * * * *', 'minute: the step must not be 0', '*/15'],
  ['5/0 * * * *', 'minute: the step must not be 0', '*/15'],
  ['*/ * * * *', 'minute: the step "" is not a number', '*/15'],
  ['*/-5 * * * *', 'minute: the step "-5" is not a number', '*/15'],
  ['*/x * * * *', 'minute: the step "x" is not a number', '*/15'],
  ['0 0 * */JAN *', 'month: the step "JAN" is not a number', 'JAN-MAR'],
  ['1/2/3 * * * *', 'minute: "1/2/3" has more than one /', '*/15'],
  ['*//5 * * * *', 'minute: "*//5" has more than one /', '*/15'],
  ['/5 * * * *', 'minute: "/5" has nothing before its /', '*/15'],
  // Lists.
  [', * * * *', 'minute: "," has an empty item in its list', '0 to 59'],
  ['1,,2 * * * *', 'minute: "1,,2" has an empty item in its list', '0 to 59'],
  ['1,2, * * * *', 'minute: "1,2," has an empty item in its list', '0 to 59'],
  ['1;2 * * * *', 'minute: "1;2" is not a number', '0 to 59'],
  // What other crons know.
  ['0 0 L * *', 'day of month: "L" is not a number', '1 to 31'],
  ['0 0 15W * *', 'day of month: "15W" is not a number', '1 to 31'],
  ['0 0 * * 5#3', 'day of week: "5#3" is neither', 'MON-FRI'],
  ['0 0 * * 5L', 'day of week: "5L" is neither', 'MON-FRI'],
  ['H * * * *', 'minute: "H" is not a number', '0 to 59'],
  ['@reboot', '@reboot is not supported', 'BACKUP_ON_START=always'],
  ['@dayly', '@dayly is not one of @yearly, ', '@daily'],
  ['@Daily', '@Daily is not one of @yearly, ', '@daily'],
  ['@', '@ is not one of @yearly, ', '@daily'],
  ['@daily 5', '@daily 5 is not one of @yearly, ', '@daily'],
  ['@minutely', '@minutely is not one of @yearly, ', '@daily'],
  ['@weekdays', '@weekdays is not one of @yearly, ', '@daily'],
  // Go's durations.
  ['@every', '@every: the duration is missing', '@every 1h30m'],
  ['@every5m', '@every5m is not one of @yearly, ', '@daily'],
  ['@every 5', '@every: "5" has no unit', '@every 1h30m'],
  ['@every 1h30', '@every: "30" has no unit', '@every 1h30m'],
  ['@every h', '@every: "h" does not begin with a number', '@every 1h30m'],
  ['@every .h', '@every: ".h" does not begin with a number', '@every 1h30m'],
  ['@every 1d', '@every: "d" is not one of the units h, m, s, ms, us, ns', '@every 1h30m'],
  ['@every 1H', '@every: "H" is not one of the units', '@every 1h30m'],
  ['@every 1h 30m', '@every: "h " is not one of the units', '@every 1h30m'],
  ['@every 5 minutes', '@every: " minutes" is not one of the units', '@every 1h30m'],
  ['@every 1.2.3h', '@every: "1.2.3h" has no unit', '@every 1h30m'],
  ['@every -1h', '@every: the duration is negative', '@every 1h30m'],
  ['@every -', '@every: the duration is missing', '@every 1h30m'],
  ['@every +-1h', '@every: "-1h" does not begin with a number', '@every 1h30m'],
  ['@every 3000000h', '@every: it is longer than 292 years', '@every 1h30m'],
  ['@every 1toString', '@every: "toString" is not one of the units', '@every 1h30m'],
  // Zones.
  ['TZ=Mars/Olympus @daily', 'the time zone "Mars/Olympus" is unknown', 'TZ=Europe/Berlin @daily'],
  ['CRON_TZ=Berlin 0 0 * * *', 'the time zone "Berlin" is unknown', 'TZ=Europe/Berlin @daily'],
  ['TZ=Local @daily', 'the time zone "Local" is unknown', 'TZ=Europe/Berlin @daily'],
  ['TZ=+02:00 @daily', 'the time zone "+02:00" is unknown', 'TZ=Europe/Berlin @daily'],
  ['TZ=CET-1CEST @daily', 'the time zone "CET-1CEST" is unknown', 'TZ=Europe/Berlin @daily'],
  ['TZ= @daily', 'the time zone "" is unknown', 'TZ=Europe/Berlin @daily'],
  ['TZ=UTC', 'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 0', '@daily'],
  [
    'TZ=UTC 0 0 * *',
    'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 4',
    '@daily',
  ],
  [
    'TZ=UTC TZ=UTC @daily',
    'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 2',
    '@daily',
  ],
  [
    'tz=UTC @daily',
    'expected 5 fields (starting with minutes) or 6 (starting with seconds), found 2',
    '@daily',
  ],
];

test.each(REJECTED)('%j is rejected: %s', (spec, problem, example) => {
  const read = () => parseSchedule(spec, 'UTC');
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(`cannot read the schedule ${JSON.stringify(spec)}: ${problem}`);
  expect(read).toThrow(new RegExp(` — .*${example.replace(/[*/+]/g, '\\$&')}`));
});

test.each(['none', ' none ', 'TZ=Europe/Berlin none'])('%j means once', (spec) => {
  expect(parseSchedule(spec, 'UTC')).toMatchObject({ kind: 'none', spec: spec.trim() });
});

test.each([
  ['@daily', 'Europe/Berlin', 'Europe/Berlin'],
  ['TZ=Asia/Tokyo @daily', 'Europe/Berlin', 'Asia/Tokyo'],
  ['CRON_TZ=Asia/Tokyo\t@every 1h', 'Europe/Berlin', 'Asia/Tokyo'],
  ['CRON_TZ=Asia/Tokyo none', 'Europe/Berlin', 'Asia/Tokyo'],
])('%j in %s is of zone %s', (spec, zone, expected) => {
  expect(parseSchedule(spec, zone).zone.name).toBe(expected);
});

test('whatever is given is read or rejected with a ConfigError', () => {
  const piece = fc.constantFrom(
    '*',
    '?',
    '/',
    '-',
    ',',
    ' ',
    '0',
    '5',
    '59',
    'MON',
    '@every ',
    'TZ=UTC ',
    'h',
    '.',
    'µs',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
  );
  fc.assert(
    fc.property(text, (spec) => {
      try {
        expect(['none', 'every', 'cron']).toContain(parseSchedule(spec, 'UTC').kind);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
    { numRuns: 2000 },
  );
});
