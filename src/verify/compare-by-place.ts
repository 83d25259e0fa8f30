import { createHash, type Hash } from 'node:crypto';
import type { Manifest } from '../catalog/manifest.ts';
import type { Fault } from '../catalog/verification.ts';
import { describeBytes } from '../dump/describe-bytes.ts';
import { qualifiedName } from '../dump/tokens.ts';

interface Part {
  readonly fault: Pick<Fault, 'what' | 'where'>;
  readonly offset: number;
  readonly end: number;
  readonly sha256: string;
  readonly hash: Hash;
}

/**
 * Compares the bytes of a dump with its manifest using only the offsets in the manifest: for a dump with a broken
 * structure, in which no scanner finds the tables.
 *
 * @returns the tables and sections whose bytes differ
 */
export async function compareByPlace(manifest: Manifest, bytes: AsyncIterable<Buffer>): Promise<Fault[]> {
  const tables = manifest.tables
    .map((table) => partOf('table', qualifiedName(table), table))
    .toSorted((a, b) => a.offset - b.offset);
  const sections = manifest.sections.map((section) => partOf('section', section.name, section));
  let at = 0;
  let nextTable = 0;
  for await (const chunk of bytes) {
    const chunkEnd = at + chunk.length;
    for (let rest = chunk; rest.length > 0; rest = rest.subarray(rest.length - (chunkEnd - at))) {
      while ((tables[nextTable]?.end ?? Number.POSITIVE_INFINITY) <= at) nextTable += 1;
      const table = tables[nextTable];
      const inTable = table !== undefined && table.offset <= at;
      const part = inTable ? table : sections.find(({ offset, end }) => offset <= at && at < end);
      const until = Math.min(
        chunkEnd,
        part?.end ?? chunkEnd,
        inTable ? chunkEnd : (table?.offset ?? chunkEnd),
      );
      part?.hash.update(rest.subarray(0, until - at));
      at = until;
    }
  }
  return [...sections, ...tables].flatMap(({ fault, offset, end, sha256, hash }) => {
    const found = hash.digest('hex');
    const where = `${fault.where}${describeBytes(offset, end)}`;
    return found === sha256 ? [] : [{ what: fault.what, where, expected: sha256, found }];
  });
}

function partOf(
  what: Fault['what'],
  where: string,
  { offset, bytes, sha256 }: { readonly offset: number; readonly bytes: number; readonly sha256: string },
): Part {
  return { fault: { what, where }, offset, end: offset + bytes, sha256, hash: createHash('sha256') };
}
