import type { Backup } from '../catalog/backup.ts';
import { databaseOf } from '../catalog/manifest.ts';

/** Backups that are judged among themselves. */
export interface DatabaseBackups<B extends Backup = Backup> {
  /** The name of their database, on whichever server; undefined where that makes no difference, or nobody knows. */
  readonly database: string | undefined;
  readonly backups: readonly B[];
}

/**
 * The backups of each database by themselves, in their order, so that those of one never take the place of another's.
 * Dumps that do not tell whose they are count with the only database there is; beside several, they are a group of their
 * own.
 */
export function byDatabase<B extends Backup>(backups: readonly B[]): DatabaseBackups<B>[] {
  const groups = new Map<string | undefined, B[]>();
  for (const backup of backups) {
    const database = databaseOf(backup);
    const group = groups.get(database) ?? [];
    groups.set(database, group);
    group.push(backup);
  }
  const named = [...groups.keys()].filter((database) => database !== undefined);
  if (named.length < 2) return [{ database: undefined, backups }];
  return [...groups].map(([database, group]) => ({ database, backups: group }));
}
