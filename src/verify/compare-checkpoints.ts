import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../catalog/manifest.ts';
import type { Fault } from '../catalog/verification.ts';
import type { DumpCheckpoint, DumpTable } from '../dump/dump-index.ts';
import { qualifiedName } from '../dump/tokens.ts';

/**
 * Compares a manifest's checkpoints with those of the bytes, for tables whose SHA-256 is right: a restore over
 * several connections reads and proves rows by these checkpoints. Only the first one that differs in each table is
 * reported.
 *
 * @param tables as found in the bytes, in the order of the manifest's; those with different bytes are skipped
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
 * Index of the first of a manifest's checkpoints that the bytes do not have in the same place; -1 if there is none.
 * This also covers extra checkpoints in the bytes, because those of a manifest reach to the table's end.
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
