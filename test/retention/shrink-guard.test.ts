import { describe, expect, test } from 'vitest';
import type { Backup } from '../../src/catalog/backup.ts';
import { describeShrink, describeSpared, findLarger, judgeShrink } from '../../src/retention/shrink-guard.ts';
import { broken, complete, faulty, foreign, idOf } from './backups.ts';

const NOW = new Date('2027-06-01T00:00:00Z');

describe('the newest dump is compared with the one before it', () => {
  test.each<{
    what: string;
    backups: Backup[];
    share?: number;
    held: [id: string, previous: string] | undefined;
  }>([
    { what: 'nothing', backups: [], held: undefined },
    { what: 'one alone', backups: [complete('2026-11-24', 1)], held: undefined },
    {
      what: 'one as large',
      backups: [complete('2026-11-24', 1000), complete('2026-11-23', 1000)],
      held: undefined,
    },
    {
      what: 'one of exactly the share',
      backups: [complete('2026-11-24', 500), complete('2026-11-23', 1000)],
      held: undefined,
    },
    {
      what: 'one a byte smaller',
      backups: [complete('2026-11-24', 499), complete('2026-11-23', 1000)],
      held: ['2026-11-24', '2026-11-23'],
    },
    {
      what: 'another share',
      backups: [complete('2026-11-24', 899), complete('2026-11-23', 1000)],
      share: 0.9,
      held: ['2026-11-24', '2026-11-23'],
    },
    {
      what: 'no guard',
      backups: [complete('2026-11-24', 0), complete('2026-11-23', 1000)],
      share: 0,
      held: undefined,
    },
    {
      what: 'not one of before that',
      backups: [complete('2026-11-24', 100), complete('2026-11-23', 100), complete('2026-11-22', 1000)],
      held: undefined,
    },
    {
      what: 'a foreign plain dump',
      backups: [complete('2026-11-24', 100), foreign('2026-11-23', 1000)],
      held: ['2026-11-24', '2026-11-23'],
    },
    {
      what: 'past a packed one, whose length tells nothing',
      backups: [complete('2026-11-24', 100), foreign('2026-11-23', 150, '.gz'), complete('2026-11-22', 1000)],
      held: ['2026-11-24', '2026-11-22'],
    },
    {
      what: 'past a broken one',
      backups: [complete('2026-11-24', 100), broken('2026-11-23', 'with dump'), complete('2026-11-22', 1000)],
      held: ['2026-11-24', '2026-11-22'],
    },
    {
      what: 'past one of another database',
      backups: [
        complete('2026-11-24', 100),
        complete('2026-11-23', 1000, 'other'),
        complete('2026-11-22', 110),
      ],
      held: undefined,
    },
    {
      what: 'one that has another ETag, as after a copy',
      backups: [
        complete('2026-11-24', 100),
        faulty('2026-11-23', 1000, complete('2026-11-23', 1000), 'quick'),
      ],
      held: ['2026-11-24', '2026-11-23'],
    },
    {
      what: 'past one that is known to be faulty',
      backups: [complete('2026-11-24', 1000), faulty('2026-11-23', 9000), complete('2026-11-22', 1100)],
      held: undefined,
    },
    {
      what: 'one that does not tell its database',
      backups: [complete('2026-11-24', 100), complete('2026-11-23', 1000, null)],
      held: ['2026-11-24', '2026-11-23'],
    },
    {
      what: 'not one that a wrong clock has named',
      backups: [complete('2099-01-01', 1), complete('2026-11-24', 1000), complete('2026-11-23', 1000)],
      held: undefined,
    },
  ])('$what', ({ backups, share = 0.5, held }) => {
    const shrink = judgeShrink(backups.toReversed(), share, NOW);
    expect(shrink && [shrink.id, shrink.previous.id]).toEqual(held?.map(idOf));
  });
});

describe('the last backups that are so much larger', () => {
  const days = (...bytes: number[]) =>
    bytes.map((each, ago) => complete(`2026-11-${String(24 - ago).padStart(2, '0')}`, each));
  test.each<{ what: string; backups: Backup[]; found: string[] }>([
    { what: 'none', backups: [], found: [] },
    { what: 'a little smaller than all', backups: days(600, 700, 1000, 1200), found: [] },
    { what: 'one loss', backups: days(99, 100, 99, 1000, 1900), found: ['2026-11-21'] },
    { what: 'just lost', backups: days(100, 1000, 1900), found: ['2026-11-23'] },
    { what: 'a loss made good', backups: days(500, 100, 1000), found: [] },
    { what: 'a loss made good in part', backups: days(499, 100, 1000), found: ['2026-11-22'] },
    {
      what: 'lost and back again and again',
      backups: days(10, 900, 10, 1000, 10, 1000),
      found: ['2026-11-23'],
    },
    { what: 'a loss in steps', backups: days(10, 10, 100, 100, 1000), found: ['2026-11-22', '2026-11-20'] },
    { what: 'a slow decline', backups: days(300, 450, 700, 1000), found: ['2026-11-22'] },
    {
      what: 'neither of another database nor a faulty one',
      backups: [
        complete('2026-11-24', 10),
        complete('2026-11-23', 1000, 'other'),
        faulty('2026-11-22', 1000),
        complete('2026-11-21', 10),
      ],
      found: [],
    },
  ])('$what', ({ backups, found }) => {
    const larger = findLarger(backups.toReversed(), 0.5, NOW);
    expect(larger.map(({ previous }) => previous.id)).toEqual(found.map(idOf));
    for (const { id } of larger) expect(id).toBe(backups[0]!.id);
    expect(findLarger(backups, 0, NOW)).toEqual([]);
  });
});

test.each([
  ['topobank', 'database topobank', ' --database topobank'],
  ["it's", "database it's", " --database 'it'\\''s'"],
  // A pushed dump does not say.
  [null, 'the database', ''],
])('what is said of database %s names both, and the way out', (database, checked, flag) => {
  const [newest, earlier] = [
    complete('2026-11-24', 1024, database),
    complete('2026-11-22', 10_240, database),
  ];
  const shrink = judgeShrink([newest, earlier], 0.5, NOW);
  expect(describeShrink(shrink!, 0.5)).toBe(
    `backup 20261124000000 shrank to 1 KiB from 10 KiB in 20261122000000, so nothing is pruned (SHRINK_GUARD=0.5); check ${checked}, and if this is right, run \`topobank-backup prune${flag} --shrink-guard 0\`, which prunes once and deletes 20261122000000 unless a rule keeps it`,
  );
  const [larger] = findLarger([newest, earlier], 0.5, NOW);
  expect(describeSpared(larger!, 0.5)).toBe(
    `backup 20261122000000 is not pruned, because backup 20261124000000 has 1 KiB after its 10 KiB (SHRINK_GUARD=0.5); check ${checked}, and if this is right, run \`topobank-backup prune${flag} --shrink-guard 0\`, which deletes it unless a rule keeps it`,
  );
});

test('of two databases the larger ones of both are told, and those that may be of either', () => {
  const backups = [
    complete('2026-11-24', 100, 'a'),
    complete('2026-11-23', 100, 'b'),
    complete('2026-11-22', 5000, 'a'),
    complete('2026-11-21', 3000, 'b'),
    foreign('2026-11-20', 40_000),
    complete('2026-11-19', 90_000, 'c'),
  ];
  const told = findLarger(backups, 0.5, NOW).map(({ id, previous }) => [id, previous.id]);
  const [a, b, ...older] = backups.map(({ id }) => id);
  expect(told).toEqual([
    [a, older[0]],
    [b, older[1]],
    [a, older[2]],
  ]);
});
