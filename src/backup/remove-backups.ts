import type { Backup } from '../catalog/backup.ts';
import type { StoreError } from '../errors.ts';
import { joinRefusals, removeAllowed } from '../s3/remove-allowed.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';

/** A backup's objects in the bucket, in the order in which they are deleted; the manifest is last. */
export function objectsOf({ dump, companions }: Backup): readonly ObjectInfo[] {
  return [...(dump === undefined ? [] : [dump]), ...companions];
}

/**
 * Deletes backups: all dumps, then the objects beside them, then the manifests. If this is interrupted, a backup is
 * left as a manifest without its dump, which is listed as broken, counts for nothing, and is finished off by the next
 * prune. What the server refuses to delete does not keep other backups from being deleted.
 *
 * @throws StoreError naming the keys that could not be deleted
 */
export async function removeBackups(
  store: Store,
  backups: readonly Backup[],
  signal: AbortSignal,
): Promise<void> {
  const refusals: StoreError[] = [];
  let pending = backups.map(objectsOf);
  while (pending.length > 0) {
    const keys = pending.flatMap(([next]) => (next === undefined ? [] : [next.key]));
    const refusal = await removeAllowed(store, keys, signal);
    if (refusal !== undefined) refusals.push(refusal);
    const refused = new Set(refusal?.keys);
    pending = pending
      .filter(([next]) => next !== undefined && !refused.has(next.key))
      .map(([, ...rest]) => rest)
      .filter((rest) => rest.length > 0);
  }
  if (refusals.length > 1)
    throw joinRefusals(
      `cannot delete every object of the pruned backups from bucket ${store.bucket}`,
      refusals,
    );
  for (const refusal of refusals) throw refusal;
}
