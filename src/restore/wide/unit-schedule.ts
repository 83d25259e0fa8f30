import type { TableUses } from './post-data-unit.ts';

/** Something that locks tables while it runs. */
interface Scheduled {
  readonly uses: TableUses;
  /** A measure of how long it runs; what runs longer should start earlier. */
  readonly bytes: number;
}

/**
 * Hands out units so that none runs beside another with a conflicting lock on the same table, or before a conflicting
 * one that precedes it.
 */
interface UnitSchedule<U> {
  /** The largest unit that can run now; undefined while each waits for one that runs, and at the end. */
  take(): U | undefined;
  /** Must be called for each unit taken, once it has ended. */
  done(unit: U): void;
}

interface Node<U> {
  readonly unit: U;
  /** Number of units that have to end first. */
  waitsFor: number;
  readonly followers: Node<U>[];
}

/** @param units in the order of the dump */
export function scheduleUnits<U extends Scheduled>(units: readonly U[]): UnitSchedule<U> {
  /** Sorted, the smallest first. */
  const ready: Node<U>[] = [];
  const taken = new Map<U, Node<U>>();

  function makeReady(node: Node<U>): void {
    const at = ready.findIndex((other) => other.unit.bytes >= node.unit.bytes);
    ready.splice(at < 0 ? ready.length : at, 0, node);
  }

  // Among units of equal size, the first in the dump is taken first.
  for (const node of linkUnits(units)) if (node.waitsFor === 0) makeReady(node);
  return {
    take() {
      const node = ready.pop();
      if (node !== undefined) taken.set(node.unit, node);
      return node?.unit;
    },
    done(unit) {
      for (const follower of taken.get(unit)?.followers ?? []) {
        follower.waitsFor -= 1;
        if (follower.waitsFor === 0) makeReady(follower);
      }
      taken.delete(unit);
    },
  };
}

/** Links each unit with those that it has to wait for. */
function linkUnits<U extends Scheduled>(units: readonly U[]): Node<U>[] {
  const altering = new Map<string, Node<U>>();
  /** Those since the last unit that alters the table. */
  const reading = new Map<string, Node<U>[]>();
  return units.map((unit) => {
    const node: Node<U> = { unit, waitsFor: 0, followers: [] };
    const before = new Set<Node<U>>();
    for (const [table, use] of unit.uses) {
      const last = altering.get(table);
      const readers = reading.get(table) ?? [];
      if (use === 'reads') {
        if (last !== undefined) before.add(last);
        readers.push(node);
        reading.set(table, readers);
      } else {
        for (const other of readers.length > 0 || last === undefined ? readers : [last]) before.add(other);
        altering.set(table, node);
        reading.set(table, []);
      }
    }
    for (const other of before) other.followers.push(node);
    node.waitsFor = before.size;
    return node;
  });
}
