import { watched } from '../watched.ts';
import type { DumpTable } from './dump-index.ts';
import type { ReadRange } from './read-text.ts';

/** A dump as plain SQL, wherever it is stored. */
export interface DumpBytes {
  /** Reads from the beginning; may be called more than once. */
  read(signal: AbortSignal): AsyncIterable<Buffer>;
  /** How to read byte ranges; undefined for a dump that has to be unpacked from its beginning. */
  ranges(signal: AbortSignal): Promise<ReadRange | undefined>;
}

/** Reads the rows of individual blocks of a dump, in any order. */
export interface BlockReader {
  /** Whether only the requested rows are read. */
  readonly ranged: boolean;
  /** Each block must be read to its end before the next is requested. */
  read(block: Pick<DumpTable, 'offset' | 'bytes'>): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** @param onBytes called for all bytes of the plain SQL that are read, wanted or not */
export async function openBlocks(
  source: DumpBytes,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<BlockReader> {
  const readRange = await source.ranges(signal);
  if (readRange === undefined) return readThrough(source, onBytes, signal);
  return {
    ranged: true,
    async *read({ offset, bytes }) {
      if (bytes === 0) return;
      const range = { start: offset, end: offset + bytes - 1 };
      yield* watched(readRange(range, signal), (chunk) => onBytes(chunk.length));
    },
    close: async () => {},
  };
}

/** For a dump that has to be unpacked: blocks that follow one another are read in one pass. */
function readThrough(
  source: Pick<DumpBytes, 'read'>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): BlockReader {
  let pass: AsyncIterator<Buffer> | undefined;
  /** What the pass has returned and is still unused; `at` is the offset in the dump at which it begins. */
  let rest: Buffer = Buffer.alloc(0);
  let at = 0;

  async function begin(): Promise<AsyncIterator<Buffer>> {
    await pass?.return?.();
    rest = Buffer.alloc(0);
    at = 0;
    pass = source.read(signal)[Symbol.asyncIterator]();
    return pass;
  }

  return {
    ranged: false,
    async *read({ offset, bytes }) {
      if (bytes === 0) return;
      const end = offset + bytes;
      const chunks = pass === undefined || offset < at ? await begin() : pass;
      while (at < end) {
        if (rest.length === 0) {
          const next = await chunks.next();
          if (next.done === true) return;
          rest = next.value;
        }
        const taken = Math.min(rest.length, end - at);
        const wanted = rest.subarray(Math.min(taken, Math.max(0, offset - at)), taken);
        rest = rest.subarray(taken);
        at += taken;
        onBytes(taken);
        if (wanted.length > 0) yield wanted;
      }
    },
    async close() {
      await pass?.return?.();
    },
  };
}
