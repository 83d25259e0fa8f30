import { createHash, type Hash } from 'node:crypto';

const TAB = 0x09;
const NEWLINE = 0x0a;

/** How much of a column is held before it is hashed, in bytes: a table may have 1,600 columns. */
const HELD = 4096;

/** Hashes the rows of a COPY block column by column. */
export interface ColumnHasher {
  /** Rows in COPY's text format, split anywhere. */
  add(rows: Buffer): void;
  /** The same for the same rows with their columns in another order, and only for those. */
  digest(): string;
}

/** @param columns names of the block's columns, of which there must be one */
export function hashColumns(columns: readonly string[]): ColumnHasher {
  const streams = columns.map((name) => ({
    name,
    hash: createHash('sha256'),
    held: Buffer.allocUnsafe(HELD),
    length: 0,
  }));
  let at = 0;

  function flush(stream: { readonly hash: Hash; readonly held: Buffer; length: number }): void {
    stream.hash.update(stream.held.subarray(0, stream.length));
    stream.length = 0;
  }

  return {
    add(rows) {
      let stream = streams[at];
      // An iterator would take three times as long.
      for (let from = 0; from < rows.length; from += 1) {
        const byte = rows[from];
        if (stream === undefined || byte === undefined) return;
        // Within a value both are written as escapes.
        const ends = byte === TAB || byte === NEWLINE;
        stream.held[stream.length] = ends ? NEWLINE : byte;
        stream.length += 1;
        if (stream.length === HELD) flush(stream);
        if (!ends) continue;
        // The server takes no row with more values than columns.
        at = byte === NEWLINE ? 0 : Math.min(at + 1, streams.length - 1);
        stream = streams[at];
      }
    },
    digest() {
      for (const stream of streams) flush(stream);
      const found = streams.map(({ name, hash }) => JSON.stringify([name, hash.digest('hex')]));
      return createHash('sha256').update(found.sort().join()).digest('hex');
    },
  };
}
