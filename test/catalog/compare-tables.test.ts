import { expect, test } from 'vitest';
import { compareTables } from '../../src/catalog/compare-tables.ts';

function table(name: string, rows: number, bytes: number, sha256: string) {
  return { schema: 'public', name, columns: ['a'], rows, offset: 0, bytes, sha256, checkpoints: [] };
}

test('tells of each table what it has gained and lost, also one that is new, gone, or of the same size', () => {
  const before = [
    table('grown', 1, 10, 'a'),
    table('gone', 5, 50, 'b'),
    table('same', 2, 20, 'c'),
    table('other', 3, 30, 'd'),
    table('cut', 1, 10, 'e'),
    table('cut', 2, 20, 'f'),
  ];
  const after = [
    table('cut', 1, 10, 'e'),
    table('cut', 1, 10, 'g'),
    table('grown', 4, 41, 'h'),
    table('same', 2, 20, 'c'),
    table('other', 3, 30, 'i'),
    table('New', 7, 70, 'j'),
  ];
  const told = compareTables(before, after);
  expect(told.map(({ table: name, gained, changed }) => [name, gained.rows, gained.bytes, changed])).toEqual([
    ['public.cut', -1, -10, true],
    ['public.grown', 3, 31, true],
    ['public.same', 0, 0, false],
    ['public.other', 0, 0, true],
    ['public."New"', 7, 70, true],
    ['public.gone', -5, -50, true],
  ]);
  expect(told[4]).toMatchObject({ before: null, after: { rows: 7, bytes: 70 } });
  expect(told[5]).toMatchObject({ before: { rows: 5, bytes: 50 }, after: null });
});
