import { expect, test } from 'vitest';
import type { Backup } from '../../src/catalog/backup.ts';
import { addCheck } from '../../src/catalog/verification.ts';
import { judgeHealth } from '../../src/health/judge-health.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import { broken, complete, foreign } from '../retention/backups.ts';

interface Given {
  readonly schedule: string;
  readonly zone?: string;
  /** In minutes. */
  readonly grace?: number;
  /** In minutes. */
  readonly randomDelay?: number;
  readonly shrinkGuard?: number;
}

/** `2026-11-23 10:30:00` in UTC. */
function time(text: string): Date {
  return new Date(`${text.replace(' ', 'T')}Z`);
}

function judge(
  backups: Backup[],
  now: Date,
  { schedule, zone = 'UTC', randomDelay = 0, grace, shrinkGuard = 0.5 }: Given,
) {
  const rules = {
    schedule: parseSchedule(schedule, zone),
    database: undefined,
    randomDelay: randomDelay * 60_000,
    grace: grace === undefined ? undefined : grace * 60_000,
    shrinkGuard,
  };
  return judgeHealth(backups, rules, now);
}

const DEADLINES: readonly [what: string, given: Given, begun: string, due: string, late: string][] = [
  [
    'a quarter of a day',
    { schedule: '@daily' },
    '2026-11-23 00:00:00',
    '2026-11-24 00:00:00',
    '2026-11-24 06:00:00',
  ],
  [
    'a backup by hand counts, and is late by its own age',
    { schedule: '@daily' },
    '2026-11-23 15:00:00',
    '2026-11-24 00:00:00',
    '2026-11-24 21:00:00',
  ],
  [
    'a moment early is in time',
    { schedule: '0 30 2 * * *' },
    '2026-11-23 02:29:59',
    '2026-11-24 02:30:00',
    '2026-11-24 08:29:59',
  ],
  [
    'an hour at least',
    { schedule: '@hourly' },
    '2026-11-23 10:00:00',
    '2026-11-23 11:00:00',
    '2026-11-23 12:00:00',
  ],
  [
    'a grace that is set',
    { schedule: '@daily', grace: 10 },
    '2026-11-23 00:00:00',
    '2026-11-24 00:00:00',
    '2026-11-24 00:10:00',
  ],
  [
    'no grace',
    { schedule: '@daily', grace: 0 },
    '2026-11-23 00:00:00',
    '2026-11-24 00:00:00',
    '2026-11-24 00:00:00',
  ],
  [
    'the random delay is on top',
    { schedule: '@hourly', randomDelay: 20 },
    '2026-11-23 10:12:00',
    '2026-11-23 11:00:00',
    '2026-11-23 12:32:00',
  ],
  [
    'the short interval of an uneven schedule',
    { schedule: '0 0 8,9 * * *' },
    '2026-11-23 08:00:03',
    '2026-11-23 09:00:00',
    '2026-11-23 10:00:03',
  ],
  [
    'its long interval',
    { schedule: '0 0 8,9 * * *' },
    '2026-11-23 09:00:03',
    '2026-11-24 08:00:00',
    '2026-11-24 13:45:03',
  ],
  [
    'a backup by hand before a pause does not excuse what follows it',
    { schedule: '0 0 2 * * MON-FRI' },
    '2026-11-22 23:00:00',
    '2026-11-23 02:00:00',
    '2026-11-24 20:00:00',
  ],
  [
    'over the weekend',
    { schedule: '0 0 20 * * MON-FRI' },
    '2026-11-20 20:00:00',
    '2026-11-23 20:00:00',
    '2026-11-24 14:00:00',
  ],
  [
    'a month as long as it is',
    { schedule: '@monthly' },
    '2026-02-01 00:00:00',
    '2026-03-01 00:00:00',
    '2026-03-08 00:00:00',
  ],
  [
    'so long after the backup',
    { schedule: '@every 6h' },
    '2026-11-23 10:17:00',
    '2026-11-23 16:17:00',
    '2026-11-23 17:47:00',
  ],
  [
    'by the clock of the zone',
    { schedule: '@daily', zone: 'Europe/Berlin' },
    '2026-11-22 23:00:00',
    '2026-11-23 23:00:00',
    '2026-11-24 05:00:00',
  ],
  [
    'of the zone that the schedule names',
    { schedule: 'TZ=Asia/Tokyo @daily', zone: 'Europe/Berlin' },
    '2026-11-22 15:00:00',
    '2026-11-23 15:00:00',
    '2026-11-23 21:00:00',
  ],
  [
    'a day of 25 hours',
    { schedule: '@daily', zone: 'Europe/Berlin' },
    '2026-10-24 22:00:00',
    '2026-10-25 23:00:00',
    '2026-10-26 05:15:00',
  ],
];

test.each(DEADLINES)('%s, and not before', (_, given, begun, due, late) => {
  const backups = [complete(begun)];
  const inTime = judge(backups, time(late), given);
  expect(inTime).toMatchObject({ healthy: true, deadline: { due: time(due), late: time(late) } });
  const overdue = judge(backups, new Date(time(late).getTime() + 1), given);
  expect(overdue).toMatchObject({ healthy: false, deadline: { due: time(due), late: time(late) } });
  expect(overdue.reason).toContain(`the backup due at ${due} UTC is `);
});

test('what is well is said in one line', () => {
  const health = judge([complete('2026-11-23 00:00:00')], time('2026-11-23 05:30:00'), {
    schedule: '@daily',
  });
  expect(health.reason).toBe(
    'backup 20261123000000 is 5h 30m old; the next is due at 2026-11-24 00:00:00 UTC',
  );
});

test('what is due and not yet late is said as well', () => {
  const health = judge([complete('2026-11-23 00:00:00')], time('2026-11-24 05:30:00'), {
    schedule: '@daily',
  });
  expect(health.reason).toBe(
    'backup 20261123000000 is 1d 5h old; one was due at 2026-11-24 00:00:00 UTC and counts as late from 2026-11-24 06:00:00 UTC',
  );
});

test('what is late, and since when', () => {
  const health = judge([complete('2026-11-23 00:00:00')], time('2026-11-25 01:00:00'), {
    schedule: '@daily',
  });
  expect(health.reason).toBe(
    'the backup due at 2026-11-24 00:00:00 UTC is 1d 1h late; the newest complete backup taken is 20261123000000',
  );
});

test.each<[what: string, backups: Backup[], ahead?: string, besides?: string]>([
  ['nothing', []],
  ['only foreign dumps', [foreign('2026-11-23 00:00:00')]],
  [
    'only broken ones',
    [broken('2026-11-23 00:00:00'), broken('2026-11-22 00:00:00', 'with dump')],
    '; 20261123000000 is broken: it is broken',
  ],
  ['only one that was pushed', [complete('2026-11-23', 1000, null)], '', ' apart from 1 that was pushed'],
  [
    'only those that were pushed',
    [complete('2026-11-23', 1000, null), complete('2026-11-22', 1000, null)],
    '',
    ' apart from 2 that were pushed',
  ],
  [
    'only one that a wrong clock has named',
    [complete('2099-01-01')],
    '; 20990101000000 is dated in the future',
  ],
])('of %s nothing is well', (_, backups, ahead = '', besides = '') => {
  for (const [schedule, since] of [
    ['0 30 0 * * *', ', and one was due at 2026-11-23 00:30:00 UTC'],
    ['@every 6h', ', and one is due every 6 hours'],
    ['none', ''],
  ] as const) {
    expect(judge(backups, time('2026-11-23 01:00:00'), { schedule })).toMatchObject({
      healthy: false,
      reason: `there is no complete backup${besides}${since}${ahead}`,
      newest: undefined,
    });
  }
});

test('what is not complete makes nothing younger', () => {
  const backups = [
    foreign('2026-11-25'),
    broken('2026-11-25 01:00'),
    complete('2099-01-01'),
    complete('2026-11-20'),
  ];
  const health = judge(backups, time('2026-11-25 02:00:00'), { schedule: '@daily' });
  expect(health).toMatchObject({ healthy: false, newest: { id: '20261120000000' } });
  expect(health.reason).toMatch(/ taken is 20261120000000; 20261125010000 is broken: it is broken$/);
});

test('a dump that was pushed is no sign that backups are being made', () => {
  const backups = [complete('2026-11-24', 1000, null), complete('2026-11-20')];
  const health = judge(backups, time('2026-11-24 01:00:00'), { schedule: '@daily' });
  expect(health).toMatchObject({ healthy: false, newest: { id: '20261120000000' } });
});

test('without a schedule a backup has to exist, however old', () => {
  const health = judge([complete('2016-11-20')], time('2026-11-25 02:00:00'), { schedule: 'none' });
  expect(health).toMatchObject({ healthy: true, deadline: undefined });
});

test('that a backup has shrunk is said with every verdict', () => {
  const backups = [complete('2026-11-24', 100), complete('2026-11-23', 1000)];
  const late = judge(backups, time('2026-11-27 01:00:00'), { schedule: '@daily' });
  expect(late.healthy).toBe(false);
  expect(late.reason).toMatch(/ late; .*; backup 20261124000000 shrank to /);
  const none = judge([foreign('2026-11-24', 100), foreign('2026-11-23', 1000)], time('2026-11-24 01:00:00'), {
    schedule: '@daily',
  });
  expect(none.reason).toMatch(/^there is no complete backup.*; backup 20261124000000 shrank to /);
});

test('that a backup has shrunk is said, unless the guard is off', () => {
  const backups = [complete('2026-11-24', 100), complete('2026-11-23', 1000)];
  const now = time('2026-11-24 01:00:00');
  const health = judge(backups, now, { schedule: '@daily' });
  expect(health).toMatchObject({ healthy: true, shrink: { id: '20261124000000' } });
  expect(health.reason).toMatch(
    /^backup 20261124000000 is 1h old; the next is due at .* UTC; backup 20261124000000 shrank to .* so nothing is pruned/,
  );
  const released = judge(backups, now, { schedule: '@daily', shrinkGuard: 0 });
  expect(released.healthy).toBe(true);
  expect(released.reason).not.toContain('shrank');
});

/** The backup as a verification has left it. */
function verified(backup: Backup, faults: number): Backup {
  const fault = { what: 'table', where: 'public.t', expected: '2 rows', found: '1 rows' } as const;
  const check = {
    depth: 'full',
    at: '2026-11-24T03:00:00.000Z',
    tool: 'test',
    checked: { bytes: 1, tables: 1, rows: 1 },
    faults: Array.from({ length: faults }, () => fault),
  } as const;
  const record = addCheck(undefined, backup.id, backup.dump!, { ...check, faults: [...check.faults] });
  return { ...backup, verified: record };
}

test.each<[what: string, healthy: boolean, backups: Backup[]]>([
  ['the newest is faulty', false, [verified(complete('2026-11-24'), 1), complete('2026-11-23')]],
  ['a broken one is newer', false, [verified(broken('2026-11-24', 'with dump'), 1), complete('2026-11-23')]],
  ['a foreign one is newer', false, [verified(foreign('2026-11-24'), 1), complete('2026-11-23')]],
  ['it was verified, and is good', true, [verified(complete('2026-11-24'), 0)]],
  ['a complete one is newer', true, [complete('2026-11-24'), verified(complete('2026-11-23'), 1)]],
  ['a wrong clock has named it', true, [verified(complete('2099-01-01'), 1), complete('2026-11-24')]],
])('one that was found faulty is an alarm until it is made up for: %s', (_, healthy, backups) => {
  const health = judge(backups, time('2026-11-24 04:00:00'), { schedule: '@daily' });
  expect(health).toMatchObject({ healthy });
  expect(health.faulty === undefined).toBe(healthy);
});

test('what is faulty is said in one line', () => {
  const health = judge([verified(complete('2026-11-24'), 3)], time('2026-11-24 04:00:00'), {
    schedule: '@daily',
  });
  expect(health.reason).toBe(
    'backup 20261124000000 is faulty (verified at 2026-11-24 03:00:00 UTC, depth full): table public.t: expected 2 rows, found 1 rows (and 2 more)',
  );
});

test('a schedule without any time is refused', () => {
  expect(() =>
    judge([complete('2026-11-24')], time('2026-11-24 01:00:00'), { schedule: '0 0 30 2 *' }),
  ).toThrow(/it is not due within/);
});
