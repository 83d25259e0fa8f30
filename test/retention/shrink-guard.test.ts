import { describe, expect, test } from 'vitest';
import type { Backup } from '../../src/catalog/catalog.ts';
import { describeShrink, judgeShrink } from '../../src/retention/shrink-guard.ts';
import { broken, complete, foreign, idOf } from './backups.ts';

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

test('what is said names both, and the way out', () => {
  const shrink = judgeShrink([complete('2026-11-24', 1024), complete('2026-11-23', 10_240)], 0.5, NOW);
  expect(shrink && describeShrink(shrink, 0.5)).toBe(
    'backup 20261124000000 shrank: 1 KiB after 10 KiB of 20261123000000, so nothing is pruned (SHRINK_GUARD=0.5); look at the database, and set SHRINK_GUARD=0 if that is right',
  );
});
