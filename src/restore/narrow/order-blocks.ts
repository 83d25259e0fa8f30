import type { TableName } from '../../catalog/find-table.ts';
import { qualifiedName } from '../../dump/tokens.ts';

/** One table's rows can only be in when those of another are: names are qualified. */
export interface RowOrder {
  readonly table: string;
  readonly after: string;
}

/**
 * Orders blocks so that none comes before one that its table's rows refer to, and else as they stand. Where tables
 * refer to one another in a circle, the first of them comes first.
 */
export function orderBlocks<T extends TableName>(blocks: readonly T[], order: readonly RowOrder[]): T[] {
  const waiting = [...blocks];
  const ordered: T[] = [];
  while (waiting.length > 0) {
    const names = new Set(waiting.map(qualifiedName));
    const isFree = (block: T) =>
      !order.some(
        ({ table, after }) => table === qualifiedName(block) && after !== table && names.has(after),
      );
    const [next] = waiting.splice(Math.max(0, waiting.findIndex(isFree)), 1);
    if (next !== undefined) ordered.push(next);
  }
  return ordered;
}
