import { openBlocks } from '../dump/block-reader.ts';
import type { KnownDump } from '../dump/dump-index.ts';
import { provenBytes } from '../dump/proven-bytes.ts';
import { readWords } from '../dump/read-words.ts';
import { createScanner } from '../dump/scanner.ts';
import { textDecoder } from '../dump/text-decoder.ts';
import { DumpError } from '../errors.ts';
import type { DumpSource } from './dump-source.ts';
import type { TableName } from './find-table.ts';

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
 * Reads the pre-data section of a dump and returns the partitions in it.
 *
 * @throws DumpError if it does not match what is known about the dump
 */
export async function readPartitions(
  source: DumpSource,
  { sections, tables, encoding }: KnownDump,
  signal: AbortSignal,
): Promise<Partition[]> {
  const schema = sections.find(({ name }) => name === 'pre-data');
  if (schema === undefined) return [];
  const decode = textDecoder(encoding);
  const scanner = createScanner(source.name);
  const reader = await openBlocks(source, () => {}, signal);
  const partitions: Partition[] = [];
  const bytes = reader.read(schema);
  const wrong = (found: string) =>
    new DumpError({
      doing: `cannot read ${source.name}`,
      problem: `section ${schema.name} is ${found} instead of ${schema.sha256}`,
      remedy: source.remedyForDamage,
    });
  // A section's hash leaves out rows, but pg_dump writes none here.
  const holdsRows = tables.some(({ offset }) => offset < schema.offset + schema.bytes);
  // Unpacked text may differ each time: pg_restore makes up a new key for `\restrict`.
  const isSame = !holdsRows && (await source.ranges(signal)) !== undefined;
  try {
    for await (const chunk of isSame ? provenBytes(bytes, schema.sha256, wrong) : bytes) {
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
