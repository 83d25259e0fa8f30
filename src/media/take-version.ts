import type { MediaObject } from '../catalog/media-manifest.ts';
import { compareWithRecorded, mayBeCopy } from '../s3/object-identity.ts';
import type { Store } from '../s3/store.ts';

/**
 * Brings an object back from its recorded version.
 *
 * @returns why this is impossible; undefined once the object is there, or in a dry run would be
 * @throws StoreError, or the signal's reason
 */
export async function takeVersion(
  store: Store,
  entry: MediaObject & { readonly versionId: string },
  { dryRun }: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { key, versionId } = entry;
  const found = await store.headVersion(key, versionId, signal);
  if (found === undefined) return `its version ${versionId} is gone`;
  // If a bucket no longer keeps versions, the version without an id is overwritten, so its ETag must prove it.
  const likeness = compareWithRecorded(entry, found);
  if (likeness === 'changed' || (likeness === 'not told' && versionId === 'null')) {
    return `its version ${versionId} is now a different object`;
  }
  if (dryRun) return undefined;
  // Something may have been written there since the bucket was listed.
  const present = await store.head(key, signal);
  if (present !== undefined) {
    return compareWithRecorded(found, present) === 'same' ? undefined : 'another object has its key';
  }
  if (!(await store.copy({ key, versionId, etag: found.etag }, key, signal)))
    return `its version ${versionId} cannot be copied`;
  const copy = await store.head(key, signal);
  if (copy === undefined) return `the copy of its version ${versionId} has disappeared`;
  // What another writer has put there stays.
  return mayBeCopy(found, copy)
    ? undefined
    : `another object replaced it after its version ${versionId} was copied there`;
}
