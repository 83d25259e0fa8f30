import { isDeepStrictEqual } from 'node:util';
import { backupTime } from '../catalog/backup-time.ts';
import type { Manifest } from '../catalog/manifest.ts';
import type { Fault } from '../catalog/verification.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { qualifiedName } from '../dump/tokens.ts';

/**
 * How long after the start of a backup, in milliseconds, the time in its name may be: it takes the next name that is
 * free.
 */
const NAMED_WITHIN_MS = 3_600_000;

/**
 * Compares what a manifest says without a hash that covers it with what the dump's text or name says of the same: with
 * which versions it was made, from which encoding, when it was begun, and each table's columns. Rows read without the
 * rest of the dump go where these say, and a restored database is made in that encoding.
 *
 * That the end is after the start is not among them, because a clock may be set back meanwhile; nor are the roles,
 * because another version of this program may find other ones in the same statements.
 *
 * @param index what was found in the bytes, with the manifest's tables in the manifest's order
 */
export function compareHeadings(
  manifest: Pick<Manifest, 'id' | 'startedAt' | 'database' | 'server' | 'pgDump' | 'encoding' | 'tables'>,
  index: Pick<DumpIndex, 'serverVersion' | 'pgDumpVersion' | 'encoding' | 'tables'>,
): Fault[] {
  const faults: Fault[] = [];
  const compare = (where: string, expected = 'none', found = 'none') => {
    if (expected !== found) faults.push({ what: 'manifest', where, expected, found });
  };
  compare('server', manifest.server ?? undefined, index.serverVersion);
  compare('pg_dump', manifest.pgDump ?? undefined, index.pgDumpVersion);
  compare('encoding', manifest.encoding ?? undefined, index.encoding);
  // What was pushed says nothing about its database, and a pushed dump may have its name from a file.
  if (manifest.database !== null) {
    compare('database, encoding', manifest.database.encoding, index.encoding);
    if (!isNamedByStart(manifest)) compare('started', manifest.startedAt, backupTime(manifest).toISOString());
  }
  for (const [at, table] of manifest.tables.entries()) {
    const { columns = [] } = index.tables[at] ?? {};
    if (isDeepStrictEqual(table.columns, columns)) continue;
    compare(`${qualifiedName(table)}, columns`, listed(table.columns), listed(columns));
  }
  return faults;
}

function isNamedByStart(manifest: Pick<Manifest, 'id' | 'startedAt'>): boolean {
  const later = backupTime(manifest).getTime() - Date.parse(manifest.startedAt);
  // A name has whole seconds.
  return later > -1000 && later < NAMED_WITHIN_MS;
}

function listed(columns: readonly string[]): string {
  return columns.length === 0 ? 'none' : columns.join(', ');
}
