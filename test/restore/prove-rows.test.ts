import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DumpCheckpoint } from '../../src/dump/dump-index.ts';
import { proveRows } from '../../src/restore/load/prove-rows.ts';
import { cutIntoPieces, type RowPiece } from '../../src/restore/load/row-pieces.ts';

const OFFSET = 1000;

/** A block of these bytes as pieces: one proven by the hash, or one from each checkpoint to the next. */
function pieces(bytes: Buffer, cuts: readonly number[]): RowPiece[] {
  const ends = [...new Set([...cuts.map((cut) => 1 + (cut % bytes.length)), bytes.length])].sort(
    (a, b) => a - b,
  );
  const checkpoints = ends.map(
    (end, index): DumpCheckpoint => ({
      offset: OFFSET + end,
      rows: index + 1,
      crc32: crc32(bytes.subarray(0, end)),
    }),
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const table = {
    schema: 's',
    name: 't',
    columns: [],
    rows: ends.length,
    offset: OFFSET,
    bytes: bytes.length,
  };
  return cutIntoPieces({ ...table, sha256, checkpoints: ends.length > 1 ? checkpoints : [] }, 1);
}

function prove(piece: RowPiece, bytes: Buffer, chunk: number): void {
  const proof = proveRows(piece, { name: './dump.sql', remedyForDamage: 'do it' });
  for (let at = 0; at < bytes.length; at += chunk) proof.add(bytes.subarray(at, at + chunk));
  proof.finish();
}

const content = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const cuts = fc.array(fc.nat(), { maxLength: 5 });
const chunks = fc.integer({ min: 1, max: 50 });

test('the right bytes are taken, however they are cut', () => {
  fc.assert(
    fc.property(content, cuts, chunks, (bytes, marks, chunk) => {
      for (const piece of pieces(bytes, marks)) {
        const start = piece.offset - OFFSET;
        prove(piece, bytes.subarray(start, start + piece.bytes), chunk);
      }
    }),
  );
});

test('a bit that is another one is found, and a byte too few', () => {
  fc.assert(
    fc.property(content, cuts, chunks, fc.nat(), (bytes, marks, chunk, place) => {
      const [piece] = pieces(bytes, marks);
      const right = bytes.subarray(0, piece!.bytes);
      const wrong = Buffer.from(right);
      wrong[place % wrong.length]! ^= 1 << (place % 8);
      expect(() => prove(piece!, wrong, chunk)).toThrow(
        piece!.proof.by === 'sha256'
          ? /^cannot restore \.\/dump\.sql: rows of s\.t, bytes 1000 to \d+, do not match .* — do it$/
          : /^cannot restore \.\/dump\.sql: rows of s\.t, bytes 1000 to \d+, do not match .* — do it; if it finds only checkpoints at fault, the next restore reads each table in one piece$/,
      );
      expect(() => prove(piece!, right.subarray(1), chunk)).toThrow(
        `, bytes ${OFFSET} to ${OFFSET + right.length - 1}, do not match`,
      );
    }),
  );
});
