import type { Backup } from '../catalog/backup.ts';
import { databaseOf } from '../catalog/manifest.ts';

/** Backups that are judged together. */
export interface DatabaseBackups<B extends Backup = Backup> {
  /** The name of their database, on whichever server; undefined if it makes no difference or is unknown. */
  readonly database: string | undefined;
  readonly backups: readonly B[];
}

/**
 * The backups of each database separately, in their order, so that those of one never displace another's. Dumps that
 * do not say which database they are of count with the only database there is; if there are several, they form a
 * group of their own.
 *
 * @param own a database that there is, although it may have no backups yet
 */
export function byDatabase<B extends Backup>(
  backups: readonly B[],
  own: string | undefined,
): DatabaseBackups<B>[] {
  const groups = new Map<string | undefined, B[]>();
  for (const backup of backups) {
    const database = databaseOf(backup);
    const group = groups.get(database) ?? [];
    groups.set(database, group);
    group.push(backup);
  }
  const databases = new Set([...groups.keys(), own].filter((database) => database !== undefined));
  if (databases.size < 2) return [{ database: undefined, backups }];
  return [...groups].map(([database, group]) => ({ database, backups: group }));
}
