import { entryKey, type MediaEntry, type MediaObject } from '../catalog/media-manifest.ts';
import { DumpError } from '../errors.ts';
import { type KeyBytes, keyBytes } from '../s3/key-bytes.ts';
import { compareWithRecorded } from '../s3/object-identity.ts';
import type { ObjectInfo } from '../s3/store.ts';
import { openCursor } from './cursor.ts';
import { describeOrder, refuseListingOrder } from './order-errors.ts';

/** Faults that are handed on together. */
const BATCH = 500;

/** Where a backup's media are not what they were when it was taken. */
export type MediaFault =
  /** The object is gone. */
  | { readonly kind: 'missing'; readonly entry: MediaObject }
  /** An object of another size or ETag has its key. */
  | { readonly kind: 'changed'; readonly entry: MediaObject; readonly object: ObjectInfo }
  /** There was none when the backup was taken, and there is none. */
  | { readonly kind: 'never there'; readonly key: string };

/**
 * Merges a backup's list of media with the bucket's objects, both in the order of their keys' bytes, in one pass.
 *
 * @param onUntold is given each object of which size and ETag do not tell whether it is as it was
 * @throws DumpError, StoreError when one of them does not come in that order
 */
export async function* compareMedia(
  entries: AsyncIterable<readonly MediaEntry[]>,
  objects: AsyncIterable<readonly ObjectInfo[]>,
  onUntold: (object: ObjectInfo) => void = () => {},
): AsyncGenerator<readonly MediaFault[]> {
  const listed = openCursor(objects, ({ key }) => keyBytes(key), 'once', refuseListingOrder);
  let faults: MediaFault[] = [];
  let before: KeyBytes | undefined;
  try {
    await listed.more();
    for await (const batch of entries) {
      for (const entry of batch) {
        const key = keyBytes(entryKey(entry));
        if (before !== undefined && key < before) throw refuseListOrder(key, before);
        before = key;
        if ('prefix' in entry) continue;
        while (listed.key !== undefined && listed.key < key) {
          if (!listed.step()) await listed.more();
        }
        const object = listed.key === key ? listed.item : undefined;
        const fault = judge(entry, object, onUntold);
        if (fault !== undefined) faults.push(fault);
      }
      if (faults.length >= BATCH) {
        yield faults;
        faults = [];
      }
    }
    if (faults.length > 0) yield faults;
  } finally {
    await listed.close();
  }
}

function judge(
  entry: Exclude<MediaEntry, { prefix: string }>,
  object: ObjectInfo | undefined,
  onUntold: (object: ObjectInfo) => void,
): MediaFault | undefined {
  if ('missing' in entry) return object === undefined ? { kind: 'never there', key: entry.key } : undefined;
  if (object === undefined) return { kind: 'missing', entry };
  const likeness = compareWithRecorded(entry, object);
  if (likeness === 'not told') onUntold(object);
  return likeness === 'changed' ? { kind: 'changed', entry, object } : undefined;
}

function refuseListOrder(key: KeyBytes, after: KeyBytes): DumpError {
  return new DumpError({
    doing: 'cannot compare a backup’s media',
    problem: `its list has ${describeOrder(key, after)}`,
    remedy: 'delete the list so that the dump itself is read',
  });
}
