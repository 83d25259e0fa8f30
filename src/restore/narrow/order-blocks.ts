import type { TableName } from '../../catalog/find-table.ts';
import { qualifiedName } from '../../dump/tokens.ts';

/** One table's rows can only be in when those of another are: names are qualified. */
export interface RowOrder {
  readonly table: string;
  readonly after: string;
}

/**
 * Orders blocks so that none comes before one that its table's rows refer to, and else as they stand. Where tables
 * refer to one another in a circle, one of them comes first.
 */
export function orderBlocks<T extends TableName>(blocks: readonly T[], order: readonly RowOrder[]): T[] {
  const waiting = [...blocks];
  const ordered: T[] = [];
  for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
    const next = findFree(first, waiting, order);
    waiting.splice(waiting.indexOf(next), 1);
    ordered.push(next);
  }
  return ordered;
}

/** The first of those that wait for no other; where there is none, one of the circle that `first` waits for. */
function findFree<T extends TableName>(first: T, waiting: readonly T[], order: readonly RowOrder[]): T {
  const waitsFor = (block: T) => {
    const name = qualifiedName(block);
    const after = new Set(order.filter(({ table }) => table === name).map((each) => each.after));
    return waiting.find((other) => qualifiedName(other) !== name && after.has(qualifiedName(other)));
  };
  const passed = new Set<T>();
  let at = first;
  while (!passed.has(at)) {
    passed.add(at);
    at = waitsFor(at) ?? at;
  }
  return waiting.find((block) => waitsFor(block) === undefined) ?? at;
}
