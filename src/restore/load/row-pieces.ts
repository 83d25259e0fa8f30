import type { DumpCheckpoint, DumpTable } from '../../dump/dump-index.ts';

/** A table with fewer bytes of rows is read along with the text: a separate request would cost more. */
export const WORTH_A_REQUEST = 256 * 1024;

/**
 * Limits on the bytes of a piece. One long row may exceed the largest, and a small table may fall below the smallest.
 */
const LARGEST = 64 * 1024 ** 2;
const SMALLEST = 16 * 1024 ** 2;

/** How the bytes of a piece are proved. */
type RowProof =
  /** All rows of the block, by their SHA-256. */
  | { readonly by: 'sha256'; readonly sha256: string }
  /**
   * Rows from one checkpoint to another, by the block's CRC-32 at each checkpoint passed; the last mark is the end.
   */
  | { readonly by: 'crc32'; readonly before: number; readonly marks: readonly DumpCheckpoint[] };

/** Rows of one block that are copied in one transaction. */
export interface RowPiece {
  readonly table: DumpTable;
  /** Byte offset of the first row in the dump. */
  readonly offset: number;
  readonly bytes: number;
  readonly rows: number;
  /** Rows of the block before these. */
  readonly rowsBefore: number;
  readonly proof: RowProof;
}

/** All rows of a block as one piece. */
export function wholeBlock(table: DumpTable): RowPiece {
  const { offset, bytes, rows, sha256 } = table;
  return { table, offset, bytes, rows, rowsBefore: 0, proof: { by: 'sha256', sha256 } };
}

/**
 * Cuts the rows of a block at its checkpoints. The pieces become smaller towards the end, so that lanes that start
 * with the largest finish at about the same time.
 */
export function cutIntoPieces(table: DumpTable, lanes: number): RowPiece[] {
  const { offset, bytes, checkpoints } = table;
  if (checkpoints.length === 0) return [wholeBlock(table)];
  const end = offset + bytes;
  const pieces: RowPiece[] = [];
  let start: DumpCheckpoint = { offset, rows: 0, crc32: 0 };
  let marks: DumpCheckpoint[] = [];
  for (const [at, mark] of checkpoints.entries()) {
    marks.push(mark);
    const most = Math.min(LARGEST, Math.max(SMALLEST, (end - start.offset) / (2 * lanes)));
    const next = checkpoints[at + 1];
    if (next !== undefined && next.offset - start.offset <= most) continue;
    pieces.push({
      table,
      offset: start.offset,
      bytes: mark.offset - start.offset,
      rows: mark.rows - start.rows,
      rowsBefore: start.rows,
      proof: { by: 'crc32', before: start.crc32, marks },
    });
    start = mark;
    marks = [];
  }
  return pieces;
}
