import { LARGEST_COPY } from './copy.ts';
import type { StoredObject } from './store.ts';

/** What the identity of an object is judged by. */
type Described = Pick<StoredObject, 'bytes' | 'etag'>;

/**
 * What size and ETag tell of the object that has the key of one that was recorded: it is that one; another was written
 * in its place; or either, for it may be a copy of that one.
 */
export type Likeness = 'same' | 'changed' | 'not told';

/**
 * Compares an object with what was recorded of its key, which may be long ago. Where one of them was written in parts
 * and the other was not, it may have been copied away and back meanwhile. Two that were written in parts are two writes:
 * a copy has no parts, unless the object is too large for one request.
 */
export function compareWithRecorded(recorded: Described, present: Described): Likeness {
  if (recorded.bytes !== present.bytes) return 'changed';
  if (recorded.etag === present.etag) return 'same';
  const ofParts = [recorded, present].filter(isOfParts).length;
  return ofParts === 1 || (ofParts === 2 && present.bytes > LARGEST_COPY) ? 'not told' : 'changed';
}

/**
 * Whether an object may be a copy of the other that the server has just made. The ETag of one that was written in parts
 * follows no common formula, and a copy of it may have another; nor does the ETag tell of the bytes where the encryption
 * of one hides that. Then the size decides.
 */
export function mayBeCopy(
  source: Described & Pick<StoredObject, 'hidesMd5'>,
  copy: Described & Pick<StoredObject, 'hidesMd5'>,
): boolean {
  if (source.bytes !== copy.bytes) return false;
  if (source.etag === copy.etag) return true;
  return isOfParts(source) || isOfParts(copy) || source.hidesMd5 || copy.hidesMd5;
}

/** Whether an object was written in parts, as its ETag tells: `…-2`. */
function isOfParts({ etag }: Pick<Described, 'etag'>): boolean {
  return etag.includes('-');
}
