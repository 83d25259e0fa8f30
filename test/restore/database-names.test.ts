import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  freeNames,
  isKeptName,
  isScratchName,
  keptName,
  scratchName,
} from '../../src/restore/databases/database-names.ts';

const TIME = '20261123103000';

test('a name that has room is the database’s own and the time', () => {
  expect(scratchName('topobank', TIME)).toBe('topobank_restore_20261123103000');
  expect(keptName('topobank', TIME)).toBe('topobank_before_restore_20261123103000');
  expect(keptName('x'.repeat(33), TIME)).toBe(`${'x'.repeat(33)}_before_restore_${TIME}`);
});

/**
 * Names that PostgreSQL takes: 1 to 63 bytes without a null byte; many as long as they may be. None
 * holds U+FFFD, which is what a character cut in two is told by.
 */
const databaseNames = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 63 }),
    fc.string({ unit: fc.constantFrom('a', 'ö', '粗', '😀', '"'), minLength: 30, maxLength: 63 }),
  )
  .filter((name) => Buffer.byteLength(name) <= 63 && !/[\0\ufffd]/.test(name));

test('every name fits into 63 bytes, is whole characters, and is known again', () => {
  fc.assert(
    fc.property(databaseNames, (database) => {
      for (const name of [scratchName(database, TIME), keptName(database, TIME)]) {
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
        expect(name).not.toContain('\ufffd');
      }
      expect(isKeptName(database, keptName(database, TIME))).toBe(true);
      expect(isScratchName(database, scratchName(database, TIME))).toBe(true);
      expect(isKeptName(database, scratchName(database, TIME))).toBe(false);
      expect(isScratchName(database, keptName(database, TIME))).toBe(false);
    }),
  );
});

const SECOND = (second: number) => `2026112310300${second}`;

test.each<[about: string, taken: readonly string[], second: number]>([
  ['nothing beside it', ['topobank', 'topobank_restore', 'other_restore_20261123103000'], 0],
  ['one that is kept', [keptName('topobank', SECOND(0))], 1],
  ['a restore that is running', [scratchName('topobank', SECOND(0))], 1],
  ['two that are kept', [0, 1].map((at) => keptName('topobank', SECOND(at))), 2],
  [
    'each in a second of its own',
    [scratchName('topobank', SECOND(0)), keptName('topobank', SECOND(1)), keptName('topobank', SECOND(3))],
    2,
  ],
])('with %s a restore has the names of the first second that are free', (_, taken, second) => {
  expect(freeNames('topobank', new Date('2026-11-23T10:30:00.999Z'), new Set(taken))).toEqual({
    scratch: scratchName('topobank', SECOND(second)),
    kept: keptName('topobank', SECOND(second)),
  });
});

test('no database takes for its own what was kept of another, however alike their names begin', () => {
  const long = fc.string({ unit: fc.constantFrom('a', 'b', 'ü'), minLength: 25, maxLength: 31 });
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('x', 'é'), maxLength: 31 }),
      long,
      long,
      (start, one, other) => {
        fc.pre(
          one !== other && Buffer.byteLength(start + one) <= 63 && Buffer.byteLength(start + other) <= 63,
        );
        expect(isKeptName(start + one, keptName(start + other, TIME))).toBe(false);
        expect(isScratchName(start + one, scratchName(start + other, TIME))).toBe(false);
      },
    ),
  );
});

test.each([
  'topobank',
  'topobank_before_restore_',
  'topobank_before_restore_2026',
  'topobank_before_restore_20261123103000_copy',
  'topobank2_before_restore_20261123103000',
  'restore_20261123103000',
])('%s is no database that a restore of topobank has made', (name) => {
  expect(isKeptName('topobank', name)).toBe(false);
  expect(isScratchName('topobank', name)).toBe(false);
});

test('what is kept of a database is no partial restore of another', () => {
  fc.assert(
    fc.property(databaseNames, databaseNames, (one, other) => {
      for (const database of [other, `${one}_before`])
        if (database !== one) expect(scratchName(database, TIME)).not.toBe(keptName(one, TIME));
    }),
  );
  expect(isScratchName('topobank_before', keptName('topobank', TIME))).toBe(false);
  expect(isScratchName('topobank_before', scratchName('topobank_before', TIME))).toBe(true);
  expect(isKeptName('topobank', scratchName('topobank_before', TIME))).toBe(false);
});
