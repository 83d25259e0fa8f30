import type { TableName } from '../../catalog/find-table.ts';
import { openBlocks } from '../../dump/block-reader.ts';
import { readWords } from '../../dump/read-words.ts';
import { createScanner } from '../../dump/scanner.ts';
import { textDecoder } from '../../dump/text-decoder.ts';
import type { KnownDump } from '../prove-dump.ts';
import type { RestoreSource } from '../source.ts';

/** A table whose rows count for another, which has none of its own. */
export interface Partition {
  readonly whole: TableName;
  readonly part: TableName;
}

/** The partition that a statement makes: pg_dump attaches it, and before PostgreSQL 12 created it as such. */
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

/** Reads what of a dump stands before the rows, and tells the partitions in it. */
export async function readPartitions(
  source: RestoreSource,
  { sections, encoding }: Pick<KnownDump, 'sections' | 'encoding'>,
  signal: AbortSignal,
): Promise<Partition[]> {
  const schema = sections.find(({ name }) => name === 'pre-data');
  if (schema === undefined) return [];
  const decode = textDecoder(encoding);
  const scanner = createScanner(source.name);
  const reader = await openBlocks(source, () => {}, signal);
  const partitions: Partition[] = [];
  try {
    for await (const chunk of reader.read(schema)) {
      for (const token of scanner.push(chunk)) {
        if (token.type !== 'statement' || !token.sql.includes('PARTITION')) continue;
        const partition = partitionOf(decode(token.sql));
        if (partition !== undefined) partitions.push(partition);
      }
    }
  } finally {
    await reader.close();
  }
  return partitions;
}
