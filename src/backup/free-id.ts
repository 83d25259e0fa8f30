import { backupId, keyStart, parseObjectName } from '../catalog/backup-name.ts';
import { isFree } from '../catalog/catalog.ts';
import { StoreError } from '../errors.ts';
import type { Store } from '../s3/store.ts';

/** How many seconds after its own time a backup may take its name from. */
const SECONDS = 60;

/**
 * The id of a backup begun at `now`, or of the next second that no other backup has, finished or being uploaded:
 * existing objects are never overwritten.
 *
 * @throws StoreError if a whole minute is taken
 */
export async function findFreeId(
  store: Store,
  prefix: string,
  now: Date,
  signal: AbortSignal,
): Promise<string> {
  const uploading = await listUploading(store, prefix, signal);
  for (let second = 0; second < SECONDS; second++) {
    const id = backupId(new Date(now.getTime() + second * 1000));
    if (!uploading.has(id) && (await isFree(store, prefix, id, signal))) return id;
  }
  throw new StoreError({
    doing: `cannot name a backup in bucket ${store.bucket}`,
    problem: `all names for ${SECONDS} seconds from ${backupId(now)} on are taken`,
    remedy: 'run one backup at a time',
  });
}

/** Ids of the backups being uploaded, as far as the server says and the key may ask. */
async function listUploading(store: Store, prefix: string, signal: AbortSignal): Promise<Set<string>> {
  const ids = new Set<string>();
  try {
    for await (const { key } of store.listUploads(keyStart(prefix), signal)) {
      const name = parseObjectName(prefix, key);
      if (name !== undefined) ids.add(name.id);
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
  return ids;
}
