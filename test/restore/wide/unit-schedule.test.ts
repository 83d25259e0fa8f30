import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TableUse } from '../../../src/restore/wide/post-data-unit.ts';
import { scheduleUnits } from '../../../src/restore/wide/unit-schedule.ts';

interface Unit {
  readonly name: number;
  readonly bytes: number;
  readonly uses: Map<string, TableUse>;
}

const uses = fc.uniqueArray(
  fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom<TableUse>('reads', 'alters')),
  { selector: ([table]) => table, maxLength: 3 },
);
const units = fc
  .array(fc.tuple(uses, fc.nat(5)), { maxLength: 30 })
  .map((all) => all.map(([pairs, bytes], name): Unit => ({ name, bytes, uses: new Map(pairs) })));

function conflict(a: Unit, b: Unit): boolean {
  return [...a.uses].some(([table, use]) => {
    const other = b.uses.get(table);
    return other !== undefined && (use === 'alters' || other === 'alters');
  });
}

test('no unit runs beside or before one that it conflicts with and stands behind, and every one runs', () => {
  fc.assert(
    fc.property(units, fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat()), (all, lanes, choices) => {
      const schedule = scheduleUnits(all);
      const running: Unit[] = [];
      const done: Unit[] = [];
      for (;;) {
        for (let unit = schedule.take(); unit !== undefined; unit = schedule.take()) {
          running.push(unit);
          const { name } = unit;
          const before = all.filter((other) => other.name < name && conflict(unit!, other));
          expect(done).toEqual(expect.arrayContaining(before));
          if (running.length === lanes) break;
        }
        if (running.length === 0) break;
        const [ended] = running.splice(choices.next().value % running.length, 1);
        done.push(ended!);
        schedule.done(ended!);
      }
      expect(done.toSorted((a, b) => a.name - b.name)).toEqual(all);
    }),
  );
});

test('of those that can run the largest begins, and of equal ones the first', () => {
  const unit = (name: number, bytes: number, ...pairs: [string, TableUse][]): Unit => ({
    name,
    bytes,
    uses: new Map(pairs),
  });
  const all = [
    unit(0, 1, ['small', 'alters']),
    unit(1, 9, ['large', 'alters']),
    unit(2, 9, ['large', 'reads']),
    unit(3, 9, ['large', 'reads']),
    unit(4, 1, ['other', 'reads']),
  ];
  const schedule = scheduleUnits(all);
  expect([schedule.take(), schedule.take(), schedule.take()]).toEqual([all[1], all[0], all[4]]);
  expect(schedule.take()).toBeUndefined();
  schedule.done(all[1]!);
  expect([schedule.take(), schedule.take()]).toEqual([all[2], all[3]]);
});
