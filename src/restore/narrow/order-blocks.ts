import type { TableName } from '../../catalog/find-table.ts';
import { qualifiedName } from '../../dump/tokens.ts';

/** The rows of `table` can be added only after those of `after`. Names are qualified. */
export interface RowOrder {
  readonly table: string;
  readonly after: string;
}

/** For each table, by name, the tables that it waits for. */
type Waits = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Orders blocks so that none comes before one that its table's rows refer to, with the blocks of one table together,
 * and otherwise in the order given. If tables refer to one another in a cycle, one of them has to come first, but
 * still none before what the cycle itself waits for.
 */
export function orderBlocks<T extends TableName>(blocks: readonly T[], order: readonly RowOrder[]): T[] {
  const waiting = new Set(blocks.map(qualifiedName));
  const waits = new Map([...waiting].map((name) => [name, new Set<string>()]));
  for (const { table, after } of order) {
    if (table !== after && waiting.has(after)) waits.get(table)?.add(after);
  }
  const ranks = new Map<string, number>();
  while (waiting.size > 0) {
    const next = findFree(waiting, waits);
    waiting.delete(next);
    ranks.set(next, ranks.size);
  }
  const rank = (block: T) => ranks.get(qualifiedName(block)) ?? 0;
  return blocks.toSorted((a, b) => rank(a) - rank(b));
}

/** The first table that waits for no other; failing that, one of a cycle that waits for nothing outside it. */
function findFree(waiting: ReadonlySet<string>, waits: Waits): string {
  for (const name of waiting) if (isFree(name, waiting, waits)) return name;
  let found = '';
  let least = Number.POSITIVE_INFINITY;
  const [first = ''] = waiting;
  for (const name of reachedFrom(first, waiting, waits)) {
    const { size } = reachedFrom(name, waiting, waits);
    if (size < least) [found, least] = [name, size];
  }
  return found;
}

function isFree(name: string, waiting: ReadonlySet<string>, waits: Waits): boolean {
  for (const other of waits.get(name) ?? []) if (waiting.has(other)) return false;
  return true;
}

/** A table with everything that it waits for, directly or indirectly. */
function reachedFrom(name: string, waiting: ReadonlySet<string>, waits: Waits): ReadonlySet<string> {
  const reached = new Set([name]);
  // The loop also visits what is added to the set meanwhile.
  for (const at of reached) {
    for (const other of waits.get(at) ?? []) if (waiting.has(other)) reached.add(other);
  }
  return reached;
}
