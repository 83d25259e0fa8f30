import type { KnownDump } from '../dump/dump-index.ts';
import { readWords } from '../dump/read-words.ts';
import type { DumpSource } from './dump-source.ts';
import type { TableName } from './find-table.ts';
import { statementsBeforeRows } from './pre-data.ts';

/** A table whose rows belong to another, which has none of its own. */
export interface Partition {
  readonly whole: TableName;
  readonly part: TableName;
}

/** The partition that a statement makes: pg_dump attaches it, and before PostgreSQL 12 created it as one. */
export function partitionOf(sql: string): Partition | undefined {
  const words = readWords(sql);
  if (words.takes('alter', 'table')) {
    words.takes('only');
    const whole = words.path();
    const part = words.takes('attach', 'partition') ? words.path() : undefined;
    return whole === undefined || part === undefined ? undefined : { whole, part };
  }
  if (!words.takes('create', 'table')) return undefined;
  const part = words.path();
  const whole = words.takes('partition', 'of') ? words.path() : undefined;
  return whole === undefined || part === undefined ? undefined : { whole, part };
}

/**
 * The partitions that the statements before the rows of a dump make.
 *
 * @throws DumpError if these do not match what is known about the dump
 */
export async function readPartitions(
  source: DumpSource,
  known: KnownDump,
  signal: AbortSignal,
): Promise<Partition[]> {
  const partitions: Partition[] = [];
  for await (const sql of statementsBeforeRows(source, known, signal)) {
    const partition = sql.includes('PARTITION') ? partitionOf(sql) : undefined;
    if (partition !== undefined) partitions.push(partition);
  }
  return partitions;
}
