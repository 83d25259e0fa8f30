import type { MediaObject } from '../catalog/media-manifest.ts';
import { compareWithRecorded, mayBeCopy } from '../s3/object-identity.ts';
import type { Store } from '../s3/store.ts';

/**
 * Brings an object back from the version of it that was recorded.
 *
 * @returns why that cannot be; undefined once it is there, or would be
 * @throws StoreError, or the signal's reason
 */
export async function takeVersion(
  store: Store,
  entry: MediaObject & { readonly versionId: string },
  dryRun: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { key, versionId } = entry;
  const found = await store.headVersion(key, versionId, signal);
  if (found === undefined) return `its version ${versionId} is gone`;
  // Of a bucket that keeps versions no longer, the one without an id is written over, so that its ETag has to prove it.
  const likeness = compareWithRecorded(entry, found);
  if (likeness === 'changed' || (likeness === 'not told' && versionId === 'null')) {
    return `its version ${versionId} is now a different object`;
  }
  if (dryRun) return undefined;
  // The bucket was listed a while ago.
  const present = await store.head(key, signal);
  if (present !== undefined) {
    return compareWithRecorded(found, present) === 'same' ? undefined : 'another object has its key';
  }
  if (!(await store.copy({ key, versionId, etag: found.etag }, key, signal)))
    return `its version ${versionId} cannot be copied`;
  const copy = await store.head(key, signal);
  if (copy === undefined) return `the copy of its version ${versionId} has disappeared`;
  // Another writer's stays.
  return mayBeCopy(found, copy)
    ? undefined
    : `another object replaced it after its version ${versionId} was copied there`;
}
