import { expect, test } from 'vitest';
import type { Fault } from '../../src/catalog/verification.ts';
import type { DumpDigest } from '../../src/verify/dump-digest.ts';
import { refuseUnknownZone } from '../../src/verify/unknown-zone.ts';

const HASHES = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
const [ORIGINAL, HERE, ELSEWHERE] = HASHES as [string, string, string];

function digest(hashes: Readonly<Record<string, string>>): DumpDigest {
  const tables = Object.entries(hashes).map(
    ([name, sha256]) => [name, { rows: 1, sha256: [sha256], partitions: new Set<string>() }] as const,
  );
  return { tables: new Map(tables) } as unknown as DumpDigest;
}

const RESTORED = digest({ times: HERE, numbers: HERE });
const OTHER = digest({ times: ELSEWHERE, numbers: HERE });

const rows = (where: string): Fault => ({ what: 'table', where, expected: ORIGINAL, found: HERE });

test.each<[string, readonly Fault[], refused: boolean, dumps: number]>([
  ['nothing differs', [], false, 0],
  ['rows with times differ', [rows('times')], true, 1],
  ['rows without times differ', [rows('numbers')], false, 1],
  ['both differ', [rows('times'), rows('numbers')], false, 1],
  ['rows are missing', [{ what: 'table', where: 'times', expected: '2 rows', found: '1 rows' }], false, 0],
  ['the text differs too', [rows('times'), { ...rows('TABLE times'), what: 'schema' }], false, 0],
])('%s', async (_, faults, refused, dumps) => {
  let dumped = 0;
  const judging = refuseUnknownZone('backup/x.sql', faults, RESTORED, async () => {
    dumped += 1;
    return OTHER;
  });
  if (refused)
    await expect(judging).rejects.toThrow(
      /the rows of 1 table have times, .*: times — set PGTZ .* if PGTZ is that already, the rows differ in more/,
    );
  else await judging;
  expect(dumped).toBe(dumps);
});
