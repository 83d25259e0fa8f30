import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backup } from '../../src/catalog/backup.ts';
import { backupId } from '../../src/catalog/backup-name.ts';
import { holdBack } from '../../src/retention/hold-back.ts';
import { planRetention } from '../../src/retention/plan-retention.ts';
import type { RetentionRules } from '../../src/retention/rules.ts';
import { complete, foreign } from './backups.ts';

const DAY_MS = 86_400_000;
const FIRST = Date.parse('2026-01-01T00:00:00Z');
const dayOf = (day: number) => new Date(FIRST + day * DAY_MS);

const count = fc.integer({ min: 0, max: 3 });
const rules: fc.Arbitrary<RetentionRules> = fc.record({
  newest: fc.integer({ min: 1, max: 4 }),
  perUnit: fc.record({ day: count, week: count, month: count, year: count }),
  within: fc.constant(undefined),
});

/** What is there after a daily backup of each length in turn, with pruning after each. */
function live(lengths: readonly number[], given: RetentionRules, share: number): Backup[][] {
  let kept: Backup[] = [];
  return lengths.map((bytes, day) => {
    const id = backupId(dayOf(day));
    const all = [...kept, day % 3 === 0 ? foreign(id, bytes) : complete(id, bytes)];
    const { verdicts } = holdBack(
      planRetention(all, given, dayOf(day), 'UTC'),
      { share, made: undefined },
      dayOf(day),
    );
    kept = verdicts.filter(({ action }) => action === 'keep').map(({ backup }) => backup);
    return kept;
  });
}

const largest = (backups: readonly Backup[]) => Math.max(...backups.map(({ dump }) => dump!.bytes));

test('of a database that lost most of its rows a whole backup stays, however long nobody looks', () => {
  const whole = fc.array(fc.integer({ min: 1000, max: 1900 }), { minLength: 1, maxLength: 20 });
  const small = fc.array(fc.integer({ min: 0, max: 499 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(whole, small, rules, (before, after, given) => {
      for (const kept of live([...before, ...after], given, 0.5))
        expect(largest(kept)).toBeGreaterThanOrEqual(1000);
    }),
  );
});

test('one that lost them in steps has a backup from before each step', () => {
  const [given] = fc.sample(rules, 1);
  const kept = live([4000, 4000, 1500, 1500, 1500, 600, 600, 600, 600, 200, 200, 200, 200], given!, 0.5).at(
    -1,
  )!;
  const lengths = kept.map(({ dump }) => dump!.bytes);
  for (const bytes of [4000, 1500, 600, 200]) expect(lengths).toContain(bytes);
});

test('once the rows are back, or the guard is off, the rules alone decide', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 40 });
  const asked = ({ newest, perUnit: { day, week, month, year } }: RetentionRules) =>
    // To all, and to the complete ones again.
    2 * (newest + day + week + month + year);
  fc.assert(
    fc.property(lengths, rules, (drawn, given) => {
      // Twice, because one in three does not say of which database it is.
      expect(live([...drawn, 1000, 1000], given, 0.5).at(-1)!.length).toBeLessThanOrEqual(asked(given));
      expect(live(drawn, given, 0).at(-1)!.length).toBeLessThanOrEqual(asked(given));
    }),
  );
});

test('a second look decides the same', () => {
  const lengths = fc.array(fc.constantFrom(1000, 900, 400, 100, 0), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lengths, rules, (drawn, given) => {
      const kept = live(drawn, given, 0.5).at(-1)!;
      const at = dayOf(drawn.length - 1);
      const { verdicts } = holdBack(
        planRetention(kept, given, at, 'UTC'),
        { share: 0.5, made: undefined },
        at,
      );
      expect(verdicts.filter(({ action }) => action === 'remove')).toEqual([]);
    }),
  );
});

test('the backup that was just made stays, whatever its clock says of the others', () => {
  const hours = fc.uniqueArray(fc.integer({ min: -48, max: 48 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(hours, fc.nat(), rules, (drawn, pick, given) => {
      const now = dayOf(100);
      const ids = drawn.map((ahead) => backupId(new Date(now.getTime() + ahead * (DAY_MS / 24))));
      const made = ids[pick % ids.length]!;
      const verdicts = planRetention(
        ids.map((id) => complete(id)),
        given,
        now,
        'UTC',
      );
      const { verdicts: held } = holdBack(verdicts, { share: 0.5, made }, now);
      expect(held.find(({ backup }) => backup.id === made)).toMatchObject({ action: 'keep' });
    }),
  );
});
