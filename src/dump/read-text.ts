import type { DumpIndex, DumpTable } from './dump-index.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { DumpToken } from './tokens.ts';

/** A scanner or, if no index is wanted, a tokenizer. */
type TokenReader = Pick<Tokenizer, 'push' | 'end' | 'leaveOut'>;

/** Bytes `start` to `end`, both inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Reads a part of a plain dump. */
export type ReadRange = (range: ByteRange, signal: AbortSignal) => AsyncIterable<Buffer>;

/**
 * The tokens of a dump without the rows of some of its tables, whose bytes are not read. Offsets and lines are those
 * of the whole dump, and a table that is left out has its `copy-start` and `copy-end` like any other.
 *
 * @param leftOut in the order of the dump
 * @throws DumpError if the rows of one of these are not where its entry says
 */
export async function* readText(
  scanner: TokenReader,
  dump: Pick<DumpIndex, 'bytes'> & { readonly leftOut: readonly DumpTable[]; readonly readRange: ReadRange },
  signal: AbortSignal,
): AsyncGenerator<DumpToken> {
  async function* scan(from: number, to: number): AsyncGenerator<DumpToken> {
    if (from === to) return;
    for await (const chunk of dump.readRange({ start: from, end: to - 1 }, signal))
      yield* scanner.push(chunk);
  }

  let from = 0;
  for (const table of dump.leftOut) {
    yield* scan(from, table.offset);
    scanner.leaveOut(table);
    from = table.offset + table.bytes;
  }
  yield* scan(from, dump.bytes);
  yield* scanner.end();
}

/** The tokens of a dump that is read from its beginning to its end. */
export async function* readAll(scanner: TokenReader, dump: AsyncIterable<Buffer>): AsyncGenerator<DumpToken> {
  for await (const chunk of dump) yield* scanner.push(chunk);
  yield* scanner.end();
}
