import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../catalog/manifest.ts';
import type { Fault } from '../catalog/verification.ts';
import type { DumpCheckpoint, DumpTable } from '../dump/dump-index.ts';
import { qualifiedName } from '../dump/tokens.ts';

/**
 * Holds a manifest's checkpoints against those that the bytes have: a restore over several connections reads and proves
 * by them the rows of tables whose SHA-256 is right. Of each table the first one that differs is told.
 *
 * @param tables as the bytes have them, in the order of the manifest's; those with other bytes are left out
 */
export function compareCheckpoints(manifest: Manifest, tables: readonly DumpTable[]): Fault[] {
  return manifest.tables.flatMap((table, at) => {
    const found = tables[at];
    if (found?.sha256 !== table.sha256) return [];
    const mark = firstDifference(table.checkpoints, found.checkpoints);
    if (mark < 0) return [];
    const where = `${qualifiedName(table)}, checkpoint ${mark + 1}`;
    const expected = describe(table.checkpoints[mark]);
    return [{ what: 'manifest', where, expected, found: describe(found.checkpoints[mark]) } as const];
  });
}

/**
 * The first of a manifest's checkpoints that the bytes do not have in its place, by its index; -1 where there is none. As
 * those of a manifest reach to the table's end, that is so too where the bytes have more.
 */
export function firstDifference(
  expected: readonly DumpCheckpoint[],
  found: readonly DumpCheckpoint[],
): number {
  return expected.findIndex((mark, at) => !isDeepStrictEqual(mark, found[at]));
}

function describe(checkpoint: DumpCheckpoint | undefined): string {
  if (checkpoint === undefined) return 'none';
  const { offset, rows, crc32 } = checkpoint;
  return `${rows} rows with CRC-32 ${crc32} up to byte ${offset}`;
}
