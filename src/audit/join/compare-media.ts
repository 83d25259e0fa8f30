import { entryKey, type MediaEntry, type MediaObject } from '../../catalog/media-manifest.ts';
import { DumpError } from '../../errors.ts';
import { type KeyBytes, keyBytes } from '../../s3/key-bytes.ts';
import { compareWithRecorded } from '../../s3/object-identity.ts';
import type { ObjectInfo } from '../../s3/store.ts';
import { openCursor } from './cursor.ts';
import { describeOrder, refuseListingOrder } from './order-errors.ts';

/** Faults per batch. */
const BATCH = 500;

/** A difference between a backup's media now and when it was taken. */
export type MediaFault =
  /** The object is gone. */
  | { readonly kind: 'missing'; readonly entry: MediaObject }
  /** Its key now has an object of a different size or ETag. */
  | { readonly kind: 'changed'; readonly entry: MediaObject; readonly object: ObjectInfo }
  /**
   * Its object has the size of the recorded one, but the ETags do not show whether it is the same, because only one
   * of the two was written in parts, such as a copy that was brought back.
   */
  | { readonly kind: 'untold'; readonly entry: MediaObject }
  /** There was no object when the backup was taken, and there is none now. */
  | { readonly kind: 'never there'; readonly key: string };

/**
 * Merges a backup's list of media with the bucket's objects in one pass, both in the order of their keys' bytes.
 *
 * @throws DumpError, StoreError if the list or the listing is out of order
 */
export async function* compareMedia(
  entries: AsyncIterable<readonly MediaEntry[]>,
  objects: AsyncIterable<readonly ObjectInfo[]>,
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
        const fault = judge(entry, object);
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
): MediaFault | undefined {
  if ('missing' in entry) return object === undefined ? { kind: 'never there', key: entry.key } : undefined;
  if (object === undefined) return { kind: 'missing', entry };
  switch (compareWithRecorded(entry, object)) {
    case 'same':
      return undefined;
    case 'changed':
      return { kind: 'changed', entry, object };
    case 'not told':
      return { kind: 'untold', entry };
  }
}

function refuseListOrder(key: KeyBytes, after: KeyBytes): DumpError {
  return new DumpError({
    doing: 'cannot compare a backup’s media',
    problem: `its list has ${describeOrder(key, after)}`,
    remedy: 'delete the list so that the dump itself is read',
  });
}
