import { backupId } from '../catalog/backup-name.ts';
import { isFree } from '../catalog/catalog.ts';
import { StoreError } from '../errors.ts';
import type { Store } from '../s3/store.ts';

/** How many seconds after its own a backup may take its name from. */
const SECONDS = 60;

/**
 * The id of a backup begun at `now`, or of the next second that no other backup has: what exists is never overwritten.
 *
 * @throws StoreError when a whole minute is taken
 */
export async function findFreeId(
  store: Store,
  prefix: string,
  now: Date,
  signal: AbortSignal,
): Promise<string> {
  for (let second = 0; second < SECONDS; second++) {
    const id = backupId(new Date(now.getTime() + second * 1000));
    if (await isFree(store, prefix, id, signal)) return id;
  }
  throw new StoreError({
    doing: `cannot name a backup in bucket ${store.bucket}`,
    problem: `every name from ${backupId(now)} on is taken for ${SECONDS} seconds`,
    remedy: 'run one backup at a time',
  });
}
