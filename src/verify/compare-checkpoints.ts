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
    // A restore takes a block without checkpoints as one piece.
    const count =
      table.checkpoints.length === 0 ? 0 : Math.max(table.checkpoints.length, found.checkpoints.length);
    for (let mark = 0; mark < count; mark++) {
      const expected = describe(table.checkpoints[mark]);
      const is = describe(found.checkpoints[mark]);
      if (expected === is) continue;
      const where = `${qualifiedName(table)}, checkpoint ${mark + 1}`;
      return [{ what: 'manifest', where, expected, found: is } as const];
    }
    return [];
  });
}

function describe(checkpoint: DumpCheckpoint | undefined): string {
  if (checkpoint === undefined) return 'none';
  const { offset, rows, crc32 } = checkpoint;
  return `${rows} rows with CRC-32 ${crc32} up to byte ${offset}`;
}
