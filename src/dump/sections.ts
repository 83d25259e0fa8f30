import type { SectionName } from './dump-index.ts';
import type { DumpEntry } from './tokens.ts';

const DATA = new Set(['TABLE DATA', 'SEQUENCE SET', 'BLOBS', 'BLOB METADATA', 'STATISTICS DATA']);

const POST_DATA = new Set([
  'CONSTRAINT',
  'CHECK CONSTRAINT',
  'FK CONSTRAINT',
  'INDEX',
  'INDEX ATTACH',
  'STATISTICS',
  'RULE',
  'TRIGGER',
  'EVENT TRIGGER',
  'POLICY',
  'ROW SECURITY',
  'PUBLICATION',
  'PUBLICATION TABLE',
  'PUBLICATION TABLES IN SCHEMA',
  'SUBSCRIPTION',
  'MATERIALIZED VIEW DATA',
  'DEFAULT ACL',
]);

/**
 * The section that an entry is in, given the section of the entry before it: sections only ever advance (pg_dump
 * manual, `--section`).
 */
export function sectionOf(entry: DumpEntry, current: SectionName): SectionName {
  if (current === 'post-data') return current;
  if (DATA.has(entry.type)) return 'data';
  if (POST_DATA.has(entry.type)) return 'post-data';
  // Comments and privileges of large objects are in the data section.
  if (current === 'pre-data' || isLargeObject(entry)) return current;
  return 'post-data';
}

/** Whether an entry concerns large objects: their data, their metadata, or a comment or privileges on one. */
export function isLargeObject({ type, name }: DumpEntry): boolean {
  return type.startsWith('BLOB') || name.startsWith('LARGE OBJECT');
}
