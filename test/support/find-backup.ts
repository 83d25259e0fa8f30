import type { Backup } from '../../src/catalog/backup.ts';
import { findBackups } from '../../src/catalog/catalog.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';
import type { Store } from '../../src/s3/store.ts';

/** The backup with an id, preferring the one that has a manifest; undefined if there is neither dump nor manifest. */
export async function findBackup(
  store: Store,
  prefix: string,
  id: string,
  signal: AbortSignal,
): Promise<Backup<Manifest> | undefined> {
  return (await findBackups({ store, prefix }, id, signal))[0];
}
