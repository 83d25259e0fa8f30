import { describe, expect, test } from 'vitest';
import type { Backup } from '../../src/catalog/backup.ts';
import { planRetention } from '../../src/retention/plan-retention.ts';
import type { RetentionRules } from '../../src/retention/rules.ts';
import { broken, complete, faulty, foreign } from './backups.ts';

const NOW = new Date('2027-06-01T00:00:00Z');
const SPAN = { years: 0, months: 0, weeks: 0, days: 0, hours: 0 };

function rules(given: {
  newest?: number;
  day?: number;
  week?: number;
  month?: number;
  year?: number;
  within?: Partial<typeof SPAN>;
}): RetentionRules {
  const { newest = 1, day = 0, week = 0, month = 0, year = 0, within } = given;
  return {
    newest,
    perUnit: { day, week, month, year },
    within: within === undefined ? undefined : { text: 'the span', span: { ...SPAN, ...within } },
  };
}

/** Ids of those that stay, newest first, as they are written in the cases. */
function kept(backups: Backup[], given: Parameters<typeof rules>[0], zone = 'UTC', now = NOW): string[] {
  return planRetention(backups, rules(given), now, zone)
    .filter(({ action }) => action === 'keep')
    .map(({ backup }) => backup.id.replace(/(....)(..)(..)(..)(..)../, '$1-$2-$3 $4:$5'));
}

describe('each rule keeps what it says', () => {
  test.each<{
    what: string;
    times: string[];
    given: Parameters<typeof rules>[0];
    zone?: string;
    stay: string[];
  }>([
    {
      what: 'the newest three',
      times: ['2026-11-24 00:00', '2026-11-23 00:00', '2026-11-22 00:00', '2026-11-21 00:00'],
      given: { newest: 3 },
      stay: ['2026-11-24 00:00', '2026-11-23 00:00', '2026-11-22 00:00'],
    },
    {
      what: 'all of fewer than asked',
      times: ['2026-11-24 00:00', '2026-11-23 00:00'],
      given: { newest: 10 },
      stay: ['2026-11-24 00:00', '2026-11-23 00:00'],
    },
    {
      what: 'everything with 0',
      times: ['2026-11-24 00:00', '2020-01-01 00:00', '1999-12-31 23:59'],
      given: { newest: 0 },
      stay: ['2026-11-24 00:00', '2020-01-01 00:00', '1999-12-31 23:59'],
    },
    {
      what: 'the newest of each of two days',
      times: [
        '2026-11-24 12:00',
        '2026-11-24 00:00',
        '2026-11-23 23:59',
        '2026-11-23 00:00',
        '2026-11-22 12:00',
      ],
      given: { day: 2 },
      stay: ['2026-11-24 12:00', '2026-11-23 23:59'],
    },
    {
      what: 'days that have a backup, however long ago',
      times: ['2026-11-24 12:00', '2026-03-01 12:00', '2025-01-01 12:00', '2024-01-01 12:00'],
      given: { day: 3 },
      stay: ['2026-11-24 12:00', '2026-03-01 12:00', '2025-01-01 12:00'],
    },
    {
      what: 'days of UTC',
      times: ['2026-11-24 00:30', '2026-11-23 23:30', '2026-11-23 22:30'],
      given: { day: 2 },
      stay: ['2026-11-24 00:30', '2026-11-23 23:30'],
    },
    {
      what: 'days of Berlin, which begin at 23:00 UTC in winter',
      times: ['2026-11-24 00:30', '2026-11-23 23:30', '2026-11-23 22:30'],
      given: { day: 2 },
      zone: 'Europe/Berlin',
      stay: ['2026-11-24 00:30', '2026-11-23 22:30'],
    },
    {
      what: 'the day of 25 hours as one day (Berlin, 25 October 2026)',
      times: ['2026-10-25 22:59', '2026-10-24 22:00', '2026-10-24 21:59'],
      given: { day: 2 },
      zone: 'Europe/Berlin',
      stay: ['2026-10-25 22:59', '2026-10-24 21:59'],
    },
    {
      what: 'the day of 23 hours as one day (Berlin, 28 March 2027)',
      times: ['2027-03-28 22:00', '2027-03-28 21:59', '2027-03-27 23:00', '2027-03-27 22:59'],
      given: { day: 3 },
      zone: 'Europe/Berlin',
      stay: ['2027-03-28 22:00', '2027-03-28 21:59', '2027-03-27 22:59'],
    },
    {
      what: 'a day whose midnight does not exist (Santiago, 6 September 2026)',
      times: ['2026-09-06 04:00', '2026-09-06 03:59'],
      given: { day: 2 },
      zone: 'America/Santiago',
      stay: ['2026-09-06 04:00', '2026-09-06 03:59'],
    },
    {
      what: 'days 14 hours ahead of UTC (Kiritimati)',
      times: ['2026-11-23 10:00', '2026-11-23 09:59'],
      given: { day: 2 },
      zone: 'Pacific/Kiritimati',
      stay: ['2026-11-23 10:00', '2026-11-23 09:59'],
    },
    {
      what: 'weeks from Monday to Sunday',
      times: [
        '2026-11-24 00:00',
        '2026-11-23 00:00',
        '2026-11-22 23:59',
        '2026-11-16 00:00',
        '2026-11-15 23:59',
      ],
      given: { week: 3 },
      stay: ['2026-11-24 00:00', '2026-11-22 23:59', '2026-11-15 23:59'],
    },
    {
      what: 'week 53 of 2026 as one week, in both years',
      times: [
        '2027-01-04 00:00',
        '2027-01-03 12:00',
        '2026-12-31 12:00',
        '2026-12-28 00:00',
        '2026-12-27 12:00',
      ],
      given: { week: 3 },
      stay: ['2027-01-04 00:00', '2027-01-03 12:00', '2026-12-27 12:00'],
    },
    {
      what: 'week 1 of 2025, which begins in 2024',
      times: ['2025-01-05 12:00', '2024-12-30 00:00', '2024-12-29 23:59'],
      given: { week: 2 },
      stay: ['2025-01-05 12:00', '2024-12-29 23:59'],
    },
    {
      what: 'months, over the end of a year and of February in a leap year',
      times: [
        '2024-03-01 00:00',
        '2024-02-29 23:59',
        '2024-02-01 00:00',
        '2024-01-01 00:00',
        '2023-12-31 23:59',
      ],
      given: { month: 4 },
      stay: ['2024-03-01 00:00', '2024-02-29 23:59', '2024-01-01 00:00', '2023-12-31 23:59'],
    },
    {
      what: 'years of the zone',
      times: ['2027-01-01 05:30', '2027-01-01 04:30', '2026-01-01 05:00', '2026-01-01 04:59'],
      given: { year: 3 },
      zone: 'America/New_York',
      stay: ['2027-01-01 05:30', '2027-01-01 04:30', '2026-01-01 04:59'],
    },
    {
      what: 'two days back from the newest, not from the clock',
      times: ['2026-11-24 12:00', '2026-11-22 12:00', '2026-11-22 11:59'],
      given: { within: { days: 2 } },
      stay: ['2026-11-24 12:00', '2026-11-22 12:00'],
    },
    {
      what: 'a month back, as long as the calendar has it',
      times: ['2026-03-31 00:00', '2026-02-28 00:00', '2026-02-27 23:59'],
      given: { within: { months: 1 } },
      stay: ['2026-03-31 00:00', '2026-02-28 00:00'],
    },
    {
      what: 'a day back by the clock of the zone, over its change',
      times: ['2026-10-25 11:00', '2026-10-24 10:00', '2026-10-24 09:59'],
      given: { within: { days: 1 } },
      zone: 'Europe/Berlin',
      stay: ['2026-10-25 11:00', '2026-10-24 10:00'],
    },
    {
      what: 'what any of several rules keeps',
      times: [
        '2026-11-24 12:00',
        '2026-11-24 11:00',
        '2026-11-23 12:00',
        '2026-10-31 12:00',
        '2026-10-01 12:00',
      ],
      given: { newest: 2, day: 2, month: 2, within: { hours: 1 } },
      stay: ['2026-11-24 12:00', '2026-11-24 11:00', '2026-11-23 12:00', '2026-10-31 12:00'],
    },
  ])('$what', ({ times, given, zone, stay }) => {
    const backups = times.map((time) => complete(time));
    expect(kept(backups, given, zone)).toEqual(stay);
    expect(kept(backups.toReversed(), given, zone)).toEqual(stay);
  });
});

test('nothing of nothing', () => {
  expect(planRetention([], rules({ newest: 3, day: 3, within: { days: 1 } }), NOW, 'UTC')).toEqual([]);
});

test('foreign dumps count and go like others', () => {
  const backups = [
    complete('2026-11-24'),
    foreign('2026-11-23'),
    foreign('2026-11-22'),
    foreign('2026-11-21'),
  ];
  expect(kept(backups, { newest: 3 })).toEqual(['2026-11-24 00:00', '2026-11-23 00:00', '2026-11-22 00:00']);
});

test('a foreign dump does not take the place of a complete backup', () => {
  const backups = [
    foreign('2026-11-24'),
    foreign('2026-11-23'),
    complete('2026-11-22'),
    complete('2026-11-21'),
  ];
  expect(kept(backups, { newest: 1 })).toEqual(['2026-11-24 00:00', '2026-11-22 00:00']);
  const oneDay = [foreign('2026-11-24 10:00'), complete('2026-11-24 09:00'), complete('2026-11-24 08:00')];
  expect(kept(oneDay, { day: 1 })).toEqual(['2026-11-24 10:00', '2026-11-24 09:00']);
});

test('two dumps of one second are two backups', () => {
  const backups = [foreign('2026-11-24', 1, '.gz'), complete('2026-11-24'), complete('2026-11-23')];
  const verdicts = planRetention(backups, rules({ newest: 1 }), NOW, 'UTC');
  expect(verdicts.map(({ backup, action }) => [backup.state, action])).toEqual([
    ['complete', 'keep'],
    ['foreign', 'remove'],
    ['complete', 'remove'],
  ]);
});

describe('a faulty backup never takes the place of a good one', () => {
  const good = [complete('2026-11-22'), complete('2026-11-21'), complete('2026-11-20')];
  test.each<{ what: string; backups: Backup[]; given: Parameters<typeof rules>[0]; stay: string[] }>([
    {
      what: 'the newest good one stays beside it',
      backups: [faulty('2026-11-23'), ...good],
      given: { newest: 1 },
      stay: ['2026-11-23 00:00', '2026-11-22 00:00'],
    },
    {
      what: 'as many good ones stay as are asked for',
      backups: [faulty('2026-11-24'), faulty('2026-11-23'), ...good],
      given: { newest: 2 },
      stay: ['2026-11-24 00:00', '2026-11-23 00:00', '2026-11-22 00:00', '2026-11-21 00:00'],
    },
    {
      what: 'and as many days of good ones',
      backups: [faulty('2026-11-23 12:00'), complete('2026-11-23 06:00'), ...good],
      given: { newest: 1, day: 2 },
      stay: ['2026-11-23 12:00', '2026-11-23 06:00', '2026-11-22 00:00'],
    },
    {
      what: 'it goes in its turn',
      backups: [complete('2026-11-24'), faulty('2026-11-23'), ...good],
      given: { newest: 1 },
      stay: ['2026-11-24 00:00'],
    },
    {
      what: 'the newest foreign one without a fault stays beside faulty ones, be they foreign or complete',
      backups: [
        faulty('2026-11-24', 10, foreign('2026-11-24')),
        faulty('2026-11-23'),
        foreign('2026-11-22'),
        foreign('2026-11-21'),
      ],
      given: { newest: 1 },
      stay: ['2026-11-24 00:00', '2026-11-23 00:00', '2026-11-22 00:00'],
    },
    {
      what: 'faulty ones alone are kept as if they were good',
      backups: [faulty('2026-11-24'), faulty('2026-11-23'), faulty('2026-11-22')],
      given: { newest: 2 },
      stay: ['2026-11-24 00:00', '2026-11-23 00:00'],
    },
  ])('$what', ({ backups, given, stay }) => {
    expect(kept(backups, given)).toEqual(stay);
  });

  test('and the verdict says why', () => {
    const [, second] = planRetention([faulty('2026-11-23'), ...good], rules({ newest: 1 }), NOW, 'UTC');
    expect(second?.reasons).toEqual(['the newest among those without a fault']);
  });
});

describe('a broken backup counts for nothing', () => {
  const whole = [complete('2026-11-24'), complete('2026-11-20'), complete('2026-11-10')];
  test.each<{ what: string; backup: Backup; newest: number; reason: string | undefined }>([
    {
      what: 'a manifest whose dump is gone goes',
      backup: broken('2026-11-23'),
      newest: 2,
      reason: 'its dump is gone',
    },
    {
      what: 'not while nothing complete is newer',
      backup: broken('2026-11-25'),
      newest: 2,
      reason: undefined,
    },
    {
      what: 'one that has a dump stays among those that stay',
      backup: broken('2026-11-21', 'with dump'),
      newest: 2,
      reason: undefined,
    },
    {
      what: 'and goes with those that go',
      backup: broken('2026-11-19', 'with dump'),
      newest: 2,
      reason: 'broken, and older than all that are kept',
    },
    {
      what: 'but not where it may be whole',
      backup: broken('2026-11-19', 'with dump', true),
      newest: 2,
      reason: undefined,
    },
    { what: 'and stays where all stay', backup: broken('2026-11-01'), newest: 0, reason: undefined },
  ])('$what', ({ backup, newest, reason }) => {
    const verdicts = planRetention([...whole, backup], rules({ newest }), NOW, 'UTC');
    const verdict = verdicts.find((candidate) => candidate.backup === backup);
    expect(verdict?.action).toBe(reason === undefined ? 'keep' : 'remove');
    if (reason !== undefined) expect(verdict?.reasons).toEqual([reason]);
    const stay = verdicts.filter(({ backup, action }) => backup.state === 'complete' && action === 'keep');
    expect(stay).toHaveLength(newest === 0 ? 3 : newest);
  });
});

test('where nothing is complete, nothing broken goes', () => {
  const backups = [foreign('2026-11-24'), broken('2026-11-23'), broken('2026-11-22', 'with dump')];
  expect(kept(backups, { newest: 1 })).toHaveLength(3);
});

test('a dump that was pushed takes no place of a backup', () => {
  const pushed = (time: string) => complete(time, 1000, null);
  const backups = [
    pushed('2026-11-24'),
    complete('2026-11-23'),
    pushed('2026-11-22'),
    complete('2026-11-21'),
  ];
  expect(kept(backups, { newest: 1 })).toEqual(['2026-11-24 00:00', '2026-11-23 00:00']);
});

test('a backup that a wrong clock has named stays, and takes nobody’s place', () => {
  const backups = [complete('2099-01-01'), complete('2026-11-24'), complete('2026-11-23')];
  expect(kept(backups, { newest: 1, within: { days: 1 } })).toEqual([
    '2099-01-01 00:00',
    '2026-11-24 00:00',
    '2026-11-23 00:00',
  ]);
  expect(kept(backups, { newest: 1 })).toEqual(['2099-01-01 00:00', '2026-11-24 00:00']);
});

test('nor does one of an hour or two ahead: a backup of the right clock is the newest beside it', () => {
  const now = new Date('2026-11-23T10:30:00Z');
  const backups = ['13:30', '12:30', '10:30', '09:30'].map((time) => complete(`2026-11-23 ${time}`));
  expect(kept(backups, { newest: 1 }, 'UTC', now)).toEqual([
    '2026-11-23 13:30',
    '2026-11-23 12:30',
    '2026-11-23 10:30',
  ]);
});

test('a name in local time, some hours ahead of the clock, is one like others', () => {
  const now = new Date('2026-11-23T10:30:00Z');
  const backups = [foreign('2026-11-24 00:30'), foreign('2026-11-23 00:30')];
  expect(kept(backups, { newest: 1 }, 'UTC', now)).toEqual(['2026-11-24 00:30']);
});

test('every verdict says why', () => {
  const backups = [complete('2026-11-24'), complete('2026-11-23'), foreign('2026-11-22')];
  const verdicts = planRetention(backups, rules({ newest: 1, day: 2, month: 1 }), NOW, 'UTC');
  expect(verdicts.map(({ action, reasons }) => [action, reasons])).toEqual([
    ['keep', ['the newest', 'newest of day 2026-11-24', 'newest of month 2026-11']],
    ['keep', ['newest of day 2026-11-23']],
    ['remove', ['no rule keeps it']],
  ]);
});

test('the backups of one database take no place among those of another', () => {
  const backups = [
    ...['24', '23', '22', '21'].map((day) => complete(`2026-11-${day} 01:00`, 1000, 'busy')),
    ...['20', '19', '18'].map((day) => complete(`2026-11-${day} 02:00`, 1000, 'topobank')),
    ...['17', '16', '15'].map((day) => foreign(`2026-11-${day} 03:00`)),
  ];
  const verdicts = planRetention(backups, rules({ newest: 2 }), NOW, 'UTC');
  expect(
    verdicts.filter(({ action }) => action === 'keep').map(({ backup, reasons }) => [backup.id, ...reasons]),
  ).toEqual([
    ['20261124010000', 'one of the newest 2 of database busy'],
    ['20261123010000', 'one of the newest 2 of database busy'],
    ['20261120020000', 'one of the newest 2 of database topobank'],
    ['20261119020000', 'one of the newest 2 of database topobank'],
    ['20261117030000', 'one of the newest 2'],
    ['20261116030000', 'one of the newest 2'],
  ]);
});

test('a broken backup is held against those of its own database', () => {
  const brokenOf = (time: string, database: string) => {
    const { manifest } = complete(time, 1000, database);
    return { ...broken(time, 'with dump'), manifest } as Backup;
  };
  const backups = [
    complete('2026-11-24', 1000, 'a'),
    complete('2026-11-23', 1000, 'b'),
    complete('2026-11-12', 1000, 'a'),
    brokenOf('2026-11-11', 'a'),
    brokenOf('2026-11-10', 'b'),
    brokenOf('2026-11-09', 'third'),
    complete('2026-11-01', 1000, 'b'),
  ];
  const verdicts = planRetention(backups, rules({ newest: 2 }), NOW, 'UTC');
  expect(verdicts.slice(3).map(({ action, reasons }) => `${action}: ${reasons.join(', ')}`)).toEqual([
    'remove: broken, and older than all that are kept',
    'keep: broken, but its dump exists and older ones are kept',
    'keep: broken, and no complete one is newer',
    'keep: one of the newest 2 of database b',
  ]);
});

test('the rules of one database delete nothing of another, nor count for it', () => {
  const backups = [
    complete('2026-11-25', 1000, 'a'),
    complete('2026-11-24', 1000, 'b'),
    complete('2026-11-23', 1000, 'a'),
    complete('2026-11-22', 1000, 'b'),
    foreign('2026-11-21'),
    foreign('2026-11-20'),
  ];
  const verdicts = planRetention(backups, rules({ newest: 1 }), NOW, 'UTC', 'b');
  expect(verdicts.map(({ action, reasons }) => `${action}: ${reasons.join(', ')}`)).toEqual([
    'keep: only runs of its own database a delete it',
    'keep: the newest of database b',
    'keep: only runs of its own database a delete it',
    'remove: no rule keeps it',
    'keep: the newest',
    'remove: no rule keeps it',
  ]);
});

test('beside the backups of another database, dumps that do not tell whose they are may be of the own one', () => {
  const backups = [
    complete('2026-11-25', 1000, 'b'),
    complete('2026-11-24', 1000, 'b'),
    foreign('2026-11-23'),
    foreign('2026-11-22'),
    broken('2026-11-21', 'with dump'),
    foreign('2026-11-20'),
  ];
  const verdicts = planRetention(backups, rules({ newest: 2 }), NOW, 'UTC', 'a');
  expect(verdicts.map(({ action, reasons }) => `${action}: ${reasons.join(', ')}`)).toEqual([
    'keep: only runs of its own database b delete it',
    'keep: only runs of its own database b delete it',
    'keep: one of the newest 2',
    'keep: one of the newest 2',
    'keep: broken, and its database is unknown',
    'remove: no rule keeps it',
  ]);
});

test('beside two databases, a broken one that does not tell whose it is stays with its dump', () => {
  const backups = [
    complete('2026-11-24', 1000, 'a'),
    complete('2026-11-23', 1000, 'b'),
    broken('2026-11-22'),
    broken('2026-11-15', 'with dump'),
    complete('2026-11-10', 1000, 'a'),
    broken('2026-11-09', 'with dump'),
  ];
  const verdicts = planRetention(backups, rules({ newest: 2 }), NOW, 'UTC');
  expect(verdicts.map(({ action, reasons }) => `${action}: ${reasons.join(', ')}`)).toEqual([
    'keep: one of the newest 2 of database a',
    'keep: one of the newest 2 of database b',
    'remove: its dump is gone',
    'keep: broken, and its database is unknown',
    'keep: one of the newest 2 of database a',
    'keep: broken, and its database is unknown',
  ]);
});
