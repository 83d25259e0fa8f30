import { openCursor } from '../audit/cursor.ts';
import { furthest, isFolderMarker, isToCome } from '../audit/join-rules.ts';
import { refuseListingOrder, refuseRowOrder } from '../audit/order-errors.ts';
import type { Reference } from '../audit/references.ts';
import type { MediaEntry } from '../catalog/media-manifest.ts';
import { compareKeyBytes, isKey, type KeyBytes, keyBytes, keyOf } from '../s3/key-bytes.ts';
import type { ObjectInfo, ObjectVersion } from '../s3/store.ts';

/** Entries that are handed on together. */
const BATCH = 500;

/**
 * What rows own, of a bucket's objects: both in the order of their keys' bytes, merged in one pass, as the entries of
 * a media manifest in the same order. A key that several rows name, or a prefix within another, comes once.
 */
export async function* ownedMedia(
  references: AsyncIterable<readonly Reference[]>,
  objects: AsyncIterable<readonly (ObjectInfo | ObjectVersion)[]>,
  isListed?: (key: KeyBytes) => boolean,
): AsyncGenerator<readonly MediaEntry[]> {
  const rows = openCursor(references, ({ key }) => key, 'repeated', refuseRowOrder);
  const listed = openCursor(objects, ({ key }) => keyBytes(key), 'once', refuseListingOrder);
  let entries: MediaEntry[] = [];
  /** The prefix that covers the furthest of all that were passed. */
  let open: KeyBytes | undefined;
  let named: KeyBytes | undefined;
  try {
    await Promise.all([rows.more(), listed.nextBatch()]);
    while (rows.item !== undefined || !listed.ended) {
      const row = rows.item;
      const { item: object, key } = listed;
      if (isToCome(listed, row?.key, isListed)) {
        await listed.nextBatch();
        continue;
      }
      const order = row === undefined ? 1 : key === undefined ? -1 : compareKeyBytes(row.key, key);
      if (row !== undefined && order <= 0) {
        if (row.kind === 'prefix') {
          const before = open;
          open = furthest(before, row.key);
          if (open !== before) entries.push({ prefix: keyOf(open) });
        } else {
          // No server has an object of a key that is no UTF-8, and JSON has no way to spell it.
          if (order < 0 && named !== row.key && isKey(row.key)) {
            entries.push({ key: keyOf(row.key), missing: true });
          }
          named = row.key;
        }
        if (!rows.step()) await rows.more();
      } else if (object !== undefined && key !== undefined) {
        const owned = named === key || (open !== undefined && key.startsWith(open));
        if (owned && (named === key || !isFolderMarker(object))) entries.push(describe(object));
        if (!listed.step()) await listed.nextBatch();
      }
      if (entries.length >= BATCH) {
        yield entries;
        entries = [];
      }
    }
    if (entries.length > 0) yield entries;
  } finally {
    await Promise.allSettled([rows.close(), listed.close()]);
  }
}

function describe(object: ObjectInfo | ObjectVersion): MediaEntry {
  const { key, bytes, etag } = object;
  return 'versionId' in object ? { key, bytes, etag, versionId: object.versionId } : { key, bytes, etag };
}
