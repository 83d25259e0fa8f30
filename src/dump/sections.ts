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
 * The section that an entry stands in, given the one before it: sections only follow one another
 * (pg_dump manual, `--section`).
 */
export function sectionOf(entry: DumpEntry, current: SectionName): SectionName {
  if (current === 'post-data') return current;
  if (DATA.has(entry.type)) return 'data';
  if (POST_DATA.has(entry.type)) return 'post-data';
  // Comments and rights of large objects stand among the data.
  if (current === 'pre-data' || isLargeObject(entry)) return current;
  return 'post-data';
}

/** Whether an entry is of large objects: they, their metadata, or a comment or rights on one. */
export function isLargeObject({ type, name }: DumpEntry): boolean {
  return type.startsWith('BLOB') || name.startsWith('LARGE OBJECT');
}
