import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TableUse } from '../../../src/restore/wide/post-data-unit.ts';
import { type Scheduled, scheduleUnits } from '../../../src/restore/wide/unit-schedule.ts';

interface Unit extends Scheduled {
  readonly place: number;
}

const unit = fc.record({
  uses: fc
    .dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom<TableUse>('reads', 'alters'), {
      minKeys: 1,
    })
    .map((uses) => new Map(Object.entries(uses))),
  bytes: fc.nat({ max: 5 }),
});

const units: fc.Arbitrary<Unit[]> = fc
  .array(unit, { maxLength: 40 })
  .map((all) => all.map((one, place) => ({ ...one, place })));

function conflict(one: Unit, other: Unit): boolean {
  return [...one.uses].some(([table, use]) => {
    const otherUse = other.uses.get(table);
    return otherUse !== undefined && (use === 'alters' || otherUse === 'alters');
  });
}

test('every unit runs once, beside none that conflicts, and those that do run in the order of the dump', () => {
  fc.assert(
    fc.property(units, fc.integer({ min: 1, max: 5 }), fc.infiniteStream(fc.nat()), (all, lanes, chance) => {
      const schedule = scheduleUnits(all);
      const running: Unit[] = [];
      const ended: Unit[] = [];
      for (;;) {
        while (running.length < lanes) {
          const taken = schedule.take();
          if (taken === undefined) break;
          expect(running.filter((other) => conflict(taken, other))).toEqual([]);
          const before = all.slice(0, taken.place).filter((other) => conflict(taken, other));
          expect(ended).toEqual(expect.arrayContaining(before));
          running.push(taken);
        }
        if (running.length === 0) break;
        const [done] = running.splice((chance.next().value as number) % running.length, 1);
        ended.push(done!);
        schedule.done(done!);
      }
      expect(ended.toSorted((a, b) => a.place - b.place)).toEqual(all);
    }),
  );
});

const reads = (table: string, bytes: number, place: number): Unit => ({
  uses: new Map([[table, 'reads']]),
  bytes,
  place,
});

test('the largest goes first, and of equal ones the first of the dump', () => {
  const schedule = scheduleUnits([reads('a', 1, 0), reads('b', 9, 1), reads('c', 9, 2), reads('d', 5, 3)]);
  expect([1, 2, 3, 4].map(() => schedule.take()?.place)).toEqual([1, 2, 3, 0]);
  expect(schedule.take()).toBeUndefined();
});
