import { isDeepStrictEqual } from 'node:util';
import type { DumpIndex, DumpSection, DumpTable } from '../dump/dump-index.ts';
import { qualifiedName } from '../dump/tokens.ts';
import { formatHash } from '../ui/format.ts';

/** A place where a dump differs from its manifest. */
export interface IndexFault {
  readonly what: 'length' | 'section' | 'table' | 'tables';
  /** `public.manager_surface`, `pre-data`; empty for the whole dump. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
}

/** Compares what a pass over the bytes found with the manifest; empty if every byte is proven. */
export function compareIndex(
  manifest: Pick<DumpIndex, 'bytes' | 'sections' | 'tables'>,
  index: DumpIndex,
): IndexFault[] {
  const faults: IndexFault[] = [];
  const compare = (what: IndexFault['what'], where: string, expected: unknown, found: unknown) => {
    if (expected !== found) faults.push({ what, where, expected: String(expected), found: String(found) });
  };
  compare('length', '', manifest.bytes, index.bytes);
  for (const found of index.sections) {
    const section = manifest.sections.find(({ name }) => name === found.name);
    compare('section', found.name, placeOf(section), placeOf(found));
    if (section !== undefined) compare('section', found.name, section.sha256, found.sha256);
  }
  compare('tables', '', manifest.tables.length, index.tables.length);
  for (const [at, table] of manifest.tables.entries()) {
    const found = index.tables[at];
    const where = qualifiedName(table);
    if (found === undefined) {
      compare('table', where, `${table.rows} rows`, 'nothing');
      continue;
    }
    compare('table', where, where, qualifiedName(found));
    compare('table', where, `${table.rows} rows`, `${found.rows} rows`);
    compare('table', where, placeOf(table), placeOf(found));
    compare('table', where, table.sha256, found.sha256);
  }
  return faults;
}

/**
 * Whether both have the same tables in the same order: otherwise a table found in another's place says nothing about
 * the other.
 */
export function holdsSameTables(
  manifest: Pick<DumpIndex, 'tables'>,
  index: Pick<DumpIndex, 'tables'>,
): boolean {
  const [expected, found] = [manifest, index].map(({ tables }) => tables.map(qualifiedName));
  return isDeepStrictEqual(expected, found);
}

/** Ranged reads rely on the places as much as on the bytes. */
function placeOf(part: Pick<DumpSection | DumpTable, 'offset' | 'bytes'> | undefined): string {
  return part === undefined ? 'no such section' : `${part.bytes} bytes at ${part.offset}`;
}

/** A fault as a single clause for a message. */
export function describeFault({ what, where, expected, found }: IndexFault): string {
  const place = where === '' ? what : `${what} ${where}`;
  return `${place} is ${formatHash(found)} instead of ${formatHash(expected)}`;
}
