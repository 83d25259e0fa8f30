import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DumpTable } from '../../src/dump/dump-index.ts';
import { cutIntoPieces } from '../../src/restore/load/row-pieces.ts';

const MiB = 1024 ** 2;

/** A block whose checkpoints stand so far apart. */
function block(offset: number, steps: readonly number[]): DumpTable {
  let at = offset;
  const checkpoints = steps.map((step, index) => {
    at += step;
    return { offset: at, rows: (index + 1) * 10, crc32: index + 1 };
  });
  return {
    schema: 'public',
    name: 't',
    columns: ['a'],
    rows: steps.length * 10,
    offset,
    bytes: at - offset,
    sha256: 'a'.repeat(64),
    checkpoints: steps.length > 1 ? checkpoints : [],
  };
}

const steps = fc.array(fc.integer({ min: 16 * MiB, max: 120 * MiB }), { minLength: 2, maxLength: 60 });
const lanes = fc.integer({ min: 1, max: 8 });

describe('the pieces of a block', () => {
  test('follow one another and are the whole of it', () => {
    fc.assert(
      fc.property(fc.nat(1e9), steps, lanes, (offset, distances, count) => {
        const table = block(offset, distances);
        let [at, rows] = [table.offset, 0];
        for (const piece of cutIntoPieces(table, count)) {
          expect(piece).toMatchObject({ table, offset: at, rowsBefore: rows });
          at += piece.bytes;
          rows += piece.rows;
        }
        expect({ at, rows }).toEqual({ at: table.offset + table.bytes, rows: table.rows });
      }),
    );
  });

  test('begin and end at checkpoints, and are proven at each one in between', () => {
    fc.assert(
      fc.property(steps, lanes, (distances, count) => {
        const table = block(7, distances);
        let crc = 0;
        const marks = cutIntoPieces(table, count).flatMap(({ proof, offset, bytes }) => {
          if (proof.by !== 'crc32') throw new Error('a block with checkpoints is proven by them');
          expect(proof.before).toBe(crc);
          crc = proof.marks.at(-1)!.crc32;
          expect(proof.marks.at(-1)!.offset).toBe(offset + bytes);
          return proof.marks;
        });
        expect(marks).toEqual(table.checkpoints);
      }),
    );
  });

  test('are of 64 MiB at most, unless there is no checkpoint within, and become no larger towards the end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constant(16 * MiB), { minLength: 2, maxLength: 100 }),
        lanes,
        (distances, count) => {
          const sizes = cutIntoPieces(block(0, distances), count).map(({ bytes }) => bytes);
          expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * MiB);
          expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
        },
      ),
    );
    expect(cutIntoPieces(block(0, [120 * MiB, 16 * MiB]), 2).map(({ bytes }) => bytes)).toEqual([
      120 * MiB,
      16 * MiB,
    ]);
  });

  test('without checkpoints are one, proven by the hash of all of it', () => {
    const table = block(100, [5000]);
    expect(cutIntoPieces(table, 4)).toEqual([
      {
        table,
        offset: 100,
        bytes: 5000,
        rows: 10,
        rowsBefore: 0,
        proof: { by: 'sha256', sha256: table.sha256 },
      },
    ]);
  });
});
