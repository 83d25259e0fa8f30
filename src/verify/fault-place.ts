import type { IndexFault } from '../catalog/compare-index.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { describeBytes } from '../dump/describe-bytes.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { qualifiedName } from '../dump/tokens.ts';
import { firstDifference } from './compare-checkpoints.ts';

type ManifestTable = Manifest['tables'][number];

/**
 * Where in the dump the bytes of a fault are, in the form that follows a name: `, bytes 900 to 5000`. For a long
 * table it is the piece between two checkpoints that contains the first difference.
 *
 * @returns an empty string for a fault that is not about the bytes of a table or a section
 */
export function faultPlace({ what, where }: IndexFault, manifest: Manifest, index: DumpIndex): string {
  if (what === 'section') {
    const section = manifest.sections.find(({ name }) => name === where);
    return section === undefined ? '' : describeBytes(section.offset, section.offset + section.bytes);
  }
  if (what !== 'table') return '';
  // A table that is dumped in several blocks has several entries; this finds the first that differs.
  const at = manifest.tables.findIndex(
    (table, entry) => qualifiedName(table) === where && table.sha256 !== index.tables[entry]?.sha256,
  );
  const table = manifest.tables[at];
  return table === undefined ? '' : describePiece(table, index.tables[at]?.checkpoints ?? []);
}

function describePiece(table: ManifestTable, found: readonly ManifestTable['checkpoints'][number][]): string {
  const differs = firstDifference(table.checkpoints, found);
  const end = table.checkpoints[differs];
  if (end === undefined) return describeBytes(table.offset, table.offset + table.bytes);
  return describeBytes(table.checkpoints[differs - 1]?.offset ?? table.offset, end.offset);
}
