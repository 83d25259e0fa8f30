import { isDeepStrictEqual } from 'node:util';
import { parseCopy } from '../dump/copy-statement.ts';
import type { DumpTable, KnownDump } from '../dump/dump-index.ts';
import { readEncoding } from '../dump/read-encoding.ts';
import type { ReadRange } from '../dump/read-text.ts';
import { type DecodeText, textDecoder } from '../dump/text-decoder.ts';
import { type CopyTarget, qualifiedName } from '../dump/tokens.ts';
import { DumpError } from '../errors.ts';
import { collect } from '../s3/reader.ts';
import type { DumpSource } from './dump-source.ts';

/** The bytes at the beginning of a dump within which pg_dump sets its encoding. */
const SETTINGS_BYTES = 4096;

/**
 * How far apart the rows of tables may begin whose COPY statements are read with one request: a table may have thousands
 * of small partitions.
 */
const NEAR_BYTES = 64 * 1024;

/** Most bytes of a COPY statement beside its names, and beside each of these: as pg_dump writes it, or by hand. */
const ROOM = { pgDump: { statement: 64, name: 6 }, byHand: { statement: 4096, name: 64 } };

/** Where a COPY statement may begin. */
const COPY = /copy\s/gi;

const REMEDY = 'use another backup, or restore all of this one with --into, which reads what its dump says';

/**
 * Proves that rows that are read without the rest of a dump are those of the table, the columns and the encoding that
 * its manifest says, which no hash covers: by the beginning of the dump, and by the COPY statement before the rows of
 * each table. Does nothing for a dump without a manifest, which was read whole, or that has to be unpacked.
 *
 * @param tables of the dump's index
 * @throws DumpError if the dump says otherwise, StoreError, or the signal's reason
 */
export async function proveHeadings(
  source: DumpSource,
  { encoding }: Pick<KnownDump, 'encoding'>,
  tables: readonly DumpTable[],
  signal: AbortSignal,
): Promise<void> {
  if (source.manifest === undefined || tables.length === 0) return;
  const readRange = await source.ranges(signal);
  if (readRange === undefined) return;
  const set = await readEncoding(source.name, fromBeginning(source, readRange, signal));
  if (set !== undefined && set !== encoding) throw wrong(source, `encoding is ${encoding ?? 'none'}`, set);
  const decode = textDecoder(encoding);
  const read = async (start: number, end: number) =>
    end === start
      ? Buffer.alloc(0)
      : Buffer.concat(await collect(readRange({ start, end: end - 1 }, signal)));
  for (const near of nearTogether(tables)) {
    const start = Math.min(...near.map((table) => startOf(table, 'pgDump')));
    const part = await read(start, Math.max(...near.map(({ offset }) => offset)));
    for (const table of near) {
      const { offset } = table;
      if (lastCopy(part.subarray(startOf(table, 'pgDump') - start, offset - start), decode, table) === true)
        continue;
      const found = lastCopy(await read(startOf(table, 'byHand'), offset), decode, table);
      if (found !== true)
        throw wrong(source, describe(table), found === undefined ? 'none' : describe(found));
    }
  }
}

/** Tables in groups, of each of which all COPY statements are read at once. */
function nearTogether(tables: readonly DumpTable[]): DumpTable[][] {
  const groups: DumpTable[][] = [];
  for (const table of tables.toSorted((a, b) => a.offset - b.offset)) {
    const group = groups.at(-1);
    if (group?.[0] !== undefined && table.offset - group[0].offset <= NEAR_BYTES) group.push(table);
    else groups.push([table]);
  }
  return groups;
}

/** Where a table's COPY statement begins at the earliest. */
function startOf(table: DumpTable, writtenBy: keyof typeof ROOM): number {
  return Math.max(0, table.offset - longestCopy(table, ROOM[writtenBy]));
}

/** The plain SQL of a dump. What follows the first bytes is requested only if somebody reads on. */
async function* fromBeginning(
  { bytes }: DumpSource,
  readRange: ReadRange,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  yield* readRange({ start: 0, end: Math.min(SETTINGS_BYTES, bytes) - 1 }, signal);
  if (bytes > SETTINGS_BYTES) yield* readRange({ start: SETTINGS_BYTES, end: bytes - 1 }, signal);
}

/** The most bytes of a table's COPY statement: four per character of its names, all of them doubled quotes. */
function longestCopy(
  { schema, name, columns }: CopyTarget,
  room: { statement: number; name: number },
): number {
  const names = [schema, name, ...columns];
  return room.statement + names.reduce((sum, { length }) => sum + 8 * length + room.name, 0);
}

/**
 * Looks for a table's COPY statement at the end of a part of a dump, which may begin in the middle of a character or of
 * rows in no known encoding.
 *
 * @returns true if it is there; otherwise the one that is, if any
 */
function lastCopy(
  part: Buffer,
  decode: DecodeText,
  { schema, name, columns }: CopyTarget,
): true | CopyTarget | undefined {
  let found: CopyTarget | undefined;
  // A name or a row may hold the same word, so the last one need not be the statement's.
  const begins = [...part.toString('latin1').matchAll(COPY)].map(({ index }) => index);
  for (const at of begins.toReversed()) {
    const copy = parseCopy(decode(part.subarray(at)).trimEnd());
    if (copy === undefined) continue;
    if (isDeepStrictEqual(copy, { schema, name, columns: [...columns] })) return true;
    found ??= copy;
  }
  return found;
}

function describe(table: CopyTarget): string {
  return `${qualifiedName(table)} (${table.columns.join(', ')})`;
}

function wrong({ name }: DumpSource, expected: string, found: string): DumpError {
  return new DumpError({
    doing: `cannot read rows from ${name}`,
    problem: `its manifest does not match it: ${expected} there, but ${found} in the dump`,
    remedy: REMEDY,
  });
}
