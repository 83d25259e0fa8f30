import { type MergeInputs, mergeByKey } from '../audit/join/merge-by-key.ts';
import type { MediaEntry } from '../catalog/media-manifest.ts';
import { isFolderMarker } from '../s3/folder-marker.ts';
import { isKey, keyOf } from '../s3/key-bytes.ts';
import type { ObjectInfo, ObjectVersion } from '../s3/store.ts';

/**
 * The objects of a bucket that rows own, as the entries of a media manifest, in the order of their keys' bytes. A key
 * that several rows name, or a prefix within another, appears once.
 */
export function ownedMedia(inputs: MergeInputs): AsyncGenerator<readonly MediaEntry[]> {
  return mergeByKey<MediaEntry>(inputs, {
    onPrefix(prefix, entries) {
      entries.push({ prefix: keyOf(prefix) });
    },
    onRow({ key }, object, before, entries) {
      // No server has an object whose key is not UTF-8, and JSON cannot spell such a key.
      if (object === undefined && before === undefined && isKey(key))
        entries.push({ key: keyOf(key), missing: true });
    },
    onObject(object, owner, entries) {
      if (owner === 'key' || (owner === 'prefix' && !isFolderMarker(object))) entries.push(describe(object));
    },
  });
}

function describe(object: ObjectInfo | ObjectVersion): MediaEntry {
  const { key, bytes, etag } = object;
  return 'versionId' in object ? { key, bytes, etag, versionId: object.versionId } : { key, bytes, etag };
}
