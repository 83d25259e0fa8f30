import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../catalog/manifest.ts';
import type { Fault } from '../catalog/verification.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { qualifiedName } from '../dump/tokens.ts';

/**
 * Compares what a manifest says of how rows are to be read, which no hash covers: the dump's encoding, and each table's
 * columns. Rows read without the rest of the dump go where these say.
 *
 * @param index what was found in the bytes, with the manifest's tables in the manifest's order
 */
export function compareHeadings(
  manifest: Pick<Manifest, 'encoding' | 'tables'>,
  index: Pick<DumpIndex, 'encoding' | 'tables'>,
): Fault[] {
  const faults: Fault[] = [];
  const [expected, found] = [manifest.encoding ?? 'none', index.encoding ?? 'none'];
  if (expected !== found) faults.push({ what: 'manifest', where: 'encoding', expected, found });
  for (const [at, table] of manifest.tables.entries()) {
    const { columns = [] } = index.tables[at] ?? {};
    if (isDeepStrictEqual(table.columns, columns)) continue;
    const where = `${qualifiedName(table)}, columns`;
    faults.push({ what: 'manifest', where, expected: listed(table.columns), found: listed(columns) });
  }
  return faults;
}

function listed(columns: readonly string[]): string {
  return columns.length === 0 ? 'none' : columns.join(', ');
}
