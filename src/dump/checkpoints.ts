import { crc32 } from 'node:zlib';
import type { DumpCheckpoint } from './dump-index.ts';
import { countNewlines } from './newlines.ts';

/** Minimum number of bytes between two checkpoints of a table. */
export const CHECKPOINT_BYTES = 16 * 1024 ** 2;

const NEWLINE = 0x0a;

/** Finds the checkpoints of one table's rows; their positions do not depend on how the rows are split into chunks. */
export interface Checkpointer {
  /** @param lines line feeds in `data` */
  add(data: Buffer, lines: number): void;
  /** The checkpoints of the whole table; none if it is too small to have one between its rows. */
  finish(): DumpCheckpoint[];
}

/** @param offset of the first row in the dump, in bytes */
export function createCheckpointer(offset: number): Checkpointer {
  const found: DumpCheckpoint[] = [];
  let at = offset;
  let rows = 0;
  let crc = 0;
  /** Bytes since the last checkpoint. */
  let since = 0;

  function take(data: Buffer, lines: number): void {
    crc = crc32(data, crc);
    rows += lines;
    at += data.length;
    since += data.length;
  }

  return {
    add(data, lines) {
      let rest = data;
      let linesLeft = lines;
      while (since + rest.length >= CHECKPOINT_BYTES) {
        const rowEnd = rest.indexOf(NEWLINE, Math.max(0, CHECKPOINT_BYTES - since - 1));
        if (rowEnd < 0) break;
        const piece = rest.subarray(0, rowEnd + 1);
        const pieceLines = countNewlines(piece);
        take(piece, pieceLines);
        found.push({ offset: at, rows, crc32: crc });
        since = 0;
        rest = rest.subarray(piece.length);
        linesLeft -= pieceLines;
      }
      take(rest, linesLeft);
    },
    finish() {
      if (found.length > 0 && found.at(-1)?.offset !== at) found.push({ offset: at, rows, crc32: crc });
      return found.length > 1 ? found : [];
    },
  };
}
