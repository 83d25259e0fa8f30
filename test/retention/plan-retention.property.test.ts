import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backup } from '../../src/catalog/backup.ts';
import { backupId } from '../../src/catalog/backup-name.ts';
import { backupTime } from '../../src/catalog/backup-time.ts';
import { CALENDAR_UNITS, calendarName } from '../../src/retention/calendar.ts';
import { planRetention, type RetentionVerdict } from '../../src/retention/plan-retention.ts';
import type { RetentionRules } from '../../src/retention/rules.ts';
import { broken, complete, faulty, foreign } from './backups.ts';

const NOW = new Date('2027-03-28T12:00:00Z');
const DAY_MS = 86_400_000;

/** Times around the clock, ahead of it too, so close that many share a day, a week, a second. */
const times = fc
  .oneof(
    fc.integer({ min: -400 * 24, max: 72 }).map((hours) => hours * 3_600_000),
    fc.integer({ min: -10, max: 3 }).map((days) => days * DAY_MS),
    fc.integer({ min: -12 * 365, max: 365 }).map((days) => days * DAY_MS),
  )
  .map((ms) => backupId(new Date(NOW.getTime() + ms)));

const backups = fc
  .uniqueArray(
    fc.tuple(
      times,
      fc.constantFrom(
        'complete',
        'faulty',
        'foreign',
        'faulty foreign',
        'packed',
        'without dump',
        'with dump',
      ),
    ),
    {
      maxLength: 40,
      selector: ([id, state]) =>
        id +
        (state.endsWith('dump') ? 'broken' : state.replace(/^faulty /, '').replace('faulty', 'complete')),
    },
  )
  .map((drawn) =>
    drawn.map(([id, state]): Backup => {
      if (state === 'complete') return complete(id);
      if (state === 'faulty') return faulty(id);
      if (state === 'foreign') return foreign(id);
      if (state === 'faulty foreign') return faulty(id, 10, foreign(id));
      if (state === 'packed') return foreign(id, 100, '.gz');
      return broken(id, state === 'with dump' ? 'with dump' : 'without dump');
    }),
  );

const count = fc.integer({ min: 0, max: 6 });
const rules: fc.Arbitrary<RetentionRules> = fc.record({
  newest: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 8 }) },
    { weight: 1, arbitrary: fc.constant(0) },
  ),
  perUnit: fc.record({ day: count, week: count, month: count, year: count }),
  within: fc.option(
    fc.record({
      text: fc.constant('the span'),
      span: fc.record({
        years: fc.constantFrom(0, 0, 1),
        months: fc.constantFrom(0, 1, 5),
        weeks: fc.constantFrom(0, 2),
        days: fc.integer({ min: 0, max: 40 }),
        hours: fc.integer({ min: 0, max: 30 }),
      }),
    }),
    { nil: undefined },
  ),
});

const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/Santiago',
  'Pacific/Kiritimati',
  'Asia/Kathmandu',
);

/** Holds for every bucket, every set of rules, every zone. */
function always(
  name: string,
  holds: (
    verdicts: readonly RetentionVerdict[],
    given: { all: Backup[]; rules: RetentionRules; zone: string },
  ) => void,
): void {
  test(name, () => {
    fc.assert(
      fc.property(backups, rules, zones, (all, rules, zone) => {
        holds(planRetention(all, rules, NOW, zone), { all, rules, zone });
      }),
      { numRuns: 250 },
    );
  });
}

const stay = (verdicts: readonly RetentionVerdict[]) =>
  verdicts.filter(({ action }) => action === 'keep').map(({ backup }) => backup);
const completeOf = (some: readonly Backup[]) => some.filter(({ state }) => state === 'complete');
/** Complete, and not known to be faulty. */
const goodOf = (some: readonly Backup[]) => completeOf(some).filter(({ verified }) => verified === undefined);
/** Two minutes for those that are named by UTC, a day for those that may be named by local time. */
const isNear = (backup: Backup) =>
  backupTime(backup).getTime() <= NOW.getTime() + (backup.manifest === undefined ? DAY_MS : 120_000);
const newest = (some: readonly Backup[]) =>
  some.reduce<Backup | undefined>(
    (best, backup) => (best !== undefined && best.id >= backup.id ? best : backup),
    undefined,
  );

always('each backup gets one verdict, and nothing else does', (verdicts, { all }) => {
  expect(new Set(verdicts.map(({ backup }) => backup))).toEqual(new Set(all));
  expect(verdicts).toHaveLength(all.length);
  for (const { reasons } of verdicts) expect(reasons.length).toBeGreaterThan(0);
});

test('with the rules of one database, what is known to be of another stays, and the rest is judged as without', () => {
  fc.assert(
    fc.property(
      backups,
      rules,
      zones,
      fc.constantFrom('topobank', 'other', 'none'),
      (all, given, zone, own) => {
        const nameOf = ({ manifest }: Backup) => manifest?.database?.name;
        const names = new Set(all.map(nameOf).filter((name) => name !== undefined));
        const ofOwn = planRetention(all, given, NOW, zone, own);
        for (const { backup, action } of ofOwn) {
          const name = nameOf(backup);
          if (name !== undefined && name !== own) expect(action).toBe('keep');
        }
        // Beside one other database, those that tell nothing count as where there are two.
        const isSecond = names.size === 1 && !names.has(own);
        const judged = isSecond ? all.filter((backup) => nameOf(backup) === undefined) : all;
        const verdicts = planRetention(judged, given, NOW, zone);
        for (const { backup, action } of verdicts) {
          const name = nameOf(backup);
          if ((name !== undefined && name !== own) || (isSecond && backup.state === 'broken')) continue;
          expect({ backup, action: ofOwn.find((each) => each.backup === backup)?.action }).toEqual({
            backup,
            action,
          });
        }
      },
    ),
    { numRuns: 250 },
  );
});

always('the newest complete backup stays', (verdicts, { all }) => {
  const best = newest(completeOf(all));
  if (best !== undefined) expect(stay(verdicts)).toContain(best);
});

always('the newest complete backup that no wrong clock has named stays', (verdicts, { all }) => {
  const best = newest(completeOf(all).filter(isNear));
  if (best !== undefined) expect(stay(verdicts)).toContain(best);
});

always(
  'there never are fewer complete ones than MAX_BACKUPS asks for while more exist',
  (verdicts, { all, rules }) => {
    const before = completeOf(all).filter(isNear).length;
    const after = completeOf(stay(verdicts)).filter(isNear).length;
    expect(after).toBeGreaterThanOrEqual(rules.newest === 0 ? before : Math.min(rules.newest, before));
  },
);

always(
  'nor fewer days, weeks, months and years of complete ones than asked for',
  (verdicts, { all, rules, zone }) => {
    for (const unit of CALENDAR_UNITS) {
      const names = (some: readonly Backup[]) =>
        new Set(
          completeOf(some)
            .filter(isNear)
            .map((backup) => calendarName(backupTime(backup), unit, zone)),
        );
      const [before, after] = [names(all).size, names(stay(verdicts)).size];
      expect(after).toBeGreaterThanOrEqual(Math.min(rules.perUnit[unit], before));
    }
  },
);

always('nor fewer good ones than MAX_BACKUPS asks for', (verdicts, { all, rules }) => {
  const before = goodOf(all).filter(isNear).length;
  const after = goodOf(stay(verdicts)).filter(isNear).length;
  expect(after).toBeGreaterThanOrEqual(rules.newest === 0 ? before : Math.min(rules.newest, before));
});

always('nor fewer without a fault, foreign ones among them', (verdicts, { all, rules }) => {
  const sound = (some: readonly Backup[]) =>
    some.filter(({ state, verified }) => state !== 'broken' && verified === undefined).filter(isNear).length;
  const [before, after] = [sound(all), sound(stay(verdicts))];
  expect(after).toBeGreaterThanOrEqual(rules.newest === 0 ? before : Math.min(rules.newest, before));
});

always('faulty backups change nothing for good ones', (verdicts, { all, rules, zone }) => {
  const own = planRetention(goodOf(all), rules, NOW, zone);
  expect(goodOf(stay(own))).toEqual(goodOf(stay(verdicts)));
});

always('a second run finds nothing to remove', (verdicts, { rules, zone }) => {
  const again = planRetention(stay(verdicts), rules, NOW, zone);
  expect(stay(again)).toEqual(stay(verdicts));
});

always('the order of a listing changes nothing', (verdicts, { all, rules, zone }) => {
  expect(planRetention(all.toReversed(), rules, NOW, zone)).toEqual(verdicts);
});

always('what is broken changes nothing for what is whole', (verdicts, { all, rules, zone }) => {
  const whole = all.filter(({ state }) => state !== 'broken');
  expect(planRetention(whole, rules, NOW, zone)).toEqual(
    verdicts.filter(({ backup }) => backup.state !== 'broken'),
  );
});

always('foreign dumps change nothing for complete backups', (verdicts, { all, rules, zone }) => {
  const own = planRetention(completeOf(all), rules, NOW, zone);
  expect(completeOf(stay(own))).toEqual(completeOf(stay(verdicts)));
});

always('no more stay than the rules ask for', (verdicts, { rules }) => {
  if (rules.newest === 0 || rules.within !== undefined) return;
  const asked = rules.newest + CALENDAR_UNITS.reduce((sum, unit) => sum + rules.perUnit[unit], 0);
  const near = stay(verdicts).filter(isNear);
  expect(goodOf(near).length).toBeLessThanOrEqual(asked);
  expect(completeOf(near).length - goodOf(near).length).toBeLessThanOrEqual(asked);
  expect(near.filter(({ state }) => state === 'foreign').length).toBeLessThanOrEqual(asked);
});

always('one more rule removes nothing more', (verdicts, { all, rules, zone }) => {
  const fewer = planRetention(all, { ...rules, perUnit: { day: 0, week: 0, month: 0, year: 0 } }, NOW, zone);
  const usable = stay(fewer).filter(({ state }) => state !== 'broken');
  for (const backup of usable) expect(stay(verdicts)).toContain(backup);
});

/** How far ahead of the clock a name may be is another matter for dumps that may be named by local time. */
const past = times.filter((id) => id <= backupId(NOW));

test('of dumps that are all foreign, the newest stay as if they were complete', () => {
  fc.assert(
    fc.property(fc.uniqueArray(past, { maxLength: 40 }), rules, zones, (ids, rules, zone) => {
      const one = planRetention(
        ids.map((id) => foreign(id)),
        rules,
        NOW,
        zone,
      );
      const other = planRetention(
        ids.map((id) => complete(id)),
        rules,
        NOW,
        zone,
      );
      expect(stay(one).map(({ id }) => id)).toEqual(stay(other).map(({ id }) => id));
    }),
  );
});

test('what becomes of a database’s backups does not depend on those of others', () => {
  const named = fc.uniqueArray(fc.tuple(times, fc.constantFrom('a', 'b', 'c')), {
    maxLength: 40,
    selector: ([id]) => id,
  });
  fc.assert(
    fc.property(named, rules, zones, (drawn, rules, zone) => {
      const all = drawn.map(([id, database]) => complete(id, 1000, database));
      const actions = (some: readonly Backup[]) =>
        planRetention(some, rules, NOW, zone).map(({ backup, action }) => `${backup.id} ${action}`);
      const alone = ['a', 'b', 'c'].flatMap((database) =>
        actions(all.filter(({ manifest }) => manifest?.database?.name === database)),
      );
      expect(actions(all)).toEqual(alone.sort().reverse());
    }),
    { numRuns: 250 },
  );
});
