import type { DumpIndex } from '../dump/dump-index.ts';
import type { Manifest } from './manifest.ts';

/** One place where a dump is not what its manifest says. */
export interface IndexFault {
  readonly what: 'length' | 'section' | 'table' | 'tables';
  /** `public.manager_surface`, `pre-data`; empty for the whole dump. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
}

/** Compares what a pass over the bytes found with what the manifest says; empty when every byte is proven. */
export function compareIndex(manifest: Manifest, index: DumpIndex): IndexFault[] {
  const faults: IndexFault[] = [];
  const compare = (what: IndexFault['what'], where: string, expected: unknown, found: unknown) => {
    if (expected !== found) faults.push({ what, where, expected: String(expected), found: String(found) });
  };
  compare('length', '', manifest.bytes, index.bytes);
  for (const section of manifest.sections) {
    const found = index.sections.find(({ name }) => name === section.name);
    compare('section', section.name, section.sha256, found?.sha256);
  }
  compare('tables', '', manifest.tables.length, index.tables.length);
  for (const [at, table] of manifest.tables.entries()) {
    const found = index.tables[at];
    const where = `${table.schema}.${table.name}`;
    compare('table', where, `${table.rows} rows`, `${found?.rows} rows`);
    compare('table', where, table.sha256, found?.sha256);
  }
  return faults;
}

/** A fault in one clause for a message. */
export function describeFault({ what, where, expected, found }: IndexFault): string {
  const place = where === '' ? what : `${what} ${where}`;
  return `${place} is ${found} instead of ${expected}`;
}
