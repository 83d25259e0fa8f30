import type { Manifest } from '../catalog/manifest.ts';
import { type Fault, faultLine } from '../catalog/verification.ts';
import { majorOf } from '../dump/dump-index.ts';
import { formatCount, formatNumber } from '../ui/format.ts';
import { compareRows, compareText, tablesBeyond, tablesCounted } from './compare-digests.ts';
import { type DumpDigest, LARGE_OBJECTS } from './dump-digest.ts';
import type { Evidence } from './evidence.ts';

/**
 * What a drill has shown. The rows of every table have to be the same. So does the text, unless it was written by
 * another major version of PostgreSQL, which writes it differently. If it is not known with which options a dump was
 * taken, a difference in the text proves nothing.
 */
export function judgeDrill({
  original,
  restored,
  manifest,
}: {
  readonly original: DumpDigest;
  readonly restored: DumpDigest;
  readonly manifest: Manifest | undefined;
}): Omit<Evidence, 'checked'> {
  /** Taken by `backup` itself, of the whole database. */
  const own = manifest !== undefined && manifest.snapshot !== null;
  const faults = compareRows(original, restored);
  const open: string[] = [];
  const beyond = tablesBeyond(original, restored);
  for (const where of own ? beyond : []) {
    const rows = restored.tables.get(where)?.rows;
    faults.push({ what: 'table', where, expected: 'nothing', found: `${rows} rows` });
  }
  if (!own && beyond.length > 0) {
    open.push(`the rows of ${beyond.join(', ')}, which the dump does not contain as COPY data`);
  }
  const counted = tablesCounted(original, restored);
  if (counted.length > 0) {
    open.push(
      `the bytes of the rows of ${counted.join(', ')}, which the dump holds in several pieces or partitions: only their number was compared`,
    );
  }
  const text = judgeText(original, restored, own);
  if (own) faults.push(...text.differences);
  if (text.unproved !== undefined) open.push(text.unproved);
  return {
    faults,
    proved: `PostgreSQL ${majorOf(restored.index.serverVersion)} restores it; dumped again, ${text.unproved === undefined ? 'its schema and ' : ''}${nameTables(original.tables.size, counted.length)} are identical byte for byte`,
    unproved: open.length > 0 ? open.join('; ') : 'that the application works with it',
  };
}

/** `all 12 tables`, of which only the rows of some, `11 of 12 tables`, were compared byte for byte */
function nameTables(all: number, onlyCounted: number): string {
  if (onlyCounted > 0) return `${formatCount(all - onlyCounted)} of ${formatNumber(all, 'table')}`;
  return all === 1 ? 'the rows of its one table' : `all ${formatCount(all)} tables`;
}

/** @returns how the texts differ, and, if that proves nothing, why */
function judgeText(
  original: DumpDigest,
  restored: DumpDigest,
  own: boolean,
): { readonly differences: readonly Fault[]; readonly unproved?: string } {
  const [wrote, writes] = [original, restored].map(versions);
  if (wrote !== writes) {
    return {
      differences: [],
      unproved: `${listText(original)}, because ${wrote} wrote the dump and ${writes} writes it differently`,
    };
  }
  const differences = compareText(original, restored);
  const [first] = differences;
  if (own || first === undefined) return { differences };
  return {
    differences,
    unproved: `the schema’s text (${faultLine(first)}), because the options of the dump are unknown`,
  };
}

/** What a dump contains as text rather than as rows of tables. */
function listText({ entries }: DumpDigest): string {
  const text = ['the schema’s text'];
  if (entries.some(({ name }) => name.startsWith('SEQUENCE SET '))) text.push('the positions of sequences');
  if (entries.some(({ name }) => name === LARGE_OBJECTS)) text.push('the contents of large objects');
  return new Intl.ListFormat('en', { style: 'long' }).format(text);
}

/** `pg_dump 15 of PostgreSQL 15` */
function versions({ index }: DumpDigest): string {
  return `pg_dump ${majorOf(index.pgDumpVersion)} of PostgreSQL ${majorOf(index.serverVersion)}`;
}
