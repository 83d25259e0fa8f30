import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DumpCheckpoint, DumpTable } from '../../../src/dump/dump-index.ts';
import { cutIntoPieces } from '../../../src/restore/wide/row-pieces.ts';

const MIB = 1024 ** 2;
/** A piece is larger only where a single stretch between two checkpoints is. */
const LARGEST = 64 * MIB;

/** A table with checkpoints after such stretches, the last of which is its end. */
function tableOf(offset: number, stretches: readonly { bytes: number; rows: number }[]): DumpTable {
  const checkpoints: DumpCheckpoint[] = [];
  let at = offset;
  let rows = 0;
  for (const stretch of stretches) {
    at += stretch.bytes;
    rows += stretch.rows;
    checkpoints.push({ offset: at, rows, crc32: crc32(String(at)) });
  }
  return {
    schema: 'public',
    name: 't',
    columns: ['a'],
    rows,
    offset,
    bytes: at - offset,
    sha256: 'ab'.repeat(32),
    checkpoints: stretches.length > 1 ? checkpoints : [],
  };
}

const tables = fc
  .tuple(
    fc.nat({ max: 2 ** 40 }),
    fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 150 * MIB }), rows: fc.nat({ max: 10_000 }) }), {
      minLength: 1,
      maxLength: 60,
    }),
  )
  .map(([offset, stretches]) => tableOf(offset, stretches));

const lanes = fc.integer({ min: 1, max: 16 });

test('the pieces of a table are all of its bytes and rows, one after the other', () => {
  fc.assert(
    fc.property(tables, lanes, (table, count) => {
      let { offset } = table;
      let rows = 0;
      for (const piece of cutIntoPieces(table, count)) {
        expect(piece).toMatchObject({ table, offset, rowsBefore: rows });
        expect(piece.bytes).toBeGreaterThan(0);
        offset += piece.bytes;
        rows += piece.rows;
      }
      expect({ offset, rows }).toEqual({ offset: table.offset + table.bytes, rows: table.rows });
    }),
  );
});

test('a piece is bounded, unless there is no checkpoint within', () => {
  fc.assert(
    fc.property(tables, lanes, (table, count) => {
      for (const { bytes, proof } of cutIntoPieces(table, count)) {
        if (proof.by === 'crc32' && proof.marks.length > 1) expect(bytes).toBeLessThanOrEqual(LARGEST);
      }
    }),
  );
});

test('each piece is proven from the checkpoint before it to the one at its end', () => {
  fc.assert(
    fc.property(tables, lanes, (table, count) => {
      const marks: DumpCheckpoint[] = [];
      for (const { offset, bytes, proof } of cutIntoPieces(table, count)) {
        if (proof.by === 'sha256') {
          expect(proof.sha256).toBe(table.sha256);
          continue;
        }
        expect(proof.before).toBe(marks.at(-1)?.crc32 ?? 0);
        expect(proof.marks.at(-1)?.offset).toBe(offset + bytes);
        marks.push(...proof.marks);
      }
      expect(marks).toEqual(table.checkpoints);
    }),
  );
});

test('the pieces of a large table become no larger towards its end', () => {
  const table = tableOf(
    0,
    Array.from({ length: 100 }, () => ({ bytes: 16 * MIB, rows: 1 })),
  );
  const sizes = cutIntoPieces(table, 4).map(({ bytes }) => bytes / MIB);
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect([sizes[0], sizes.at(-1)]).toEqual([64, 16]);
});
