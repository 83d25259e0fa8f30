import type { Backup } from '../../src/catalog/backup.ts';
import { findBackups } from '../../src/catalog/catalog.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';

/** The backup with an id, preferring the one that has a manifest; undefined if there is neither dump nor manifest. */
export async function findBackup(
  ...args: Parameters<typeof findBackups>
): Promise<Backup<Manifest> | undefined> {
  return (await findBackups(...args))[0];
}
