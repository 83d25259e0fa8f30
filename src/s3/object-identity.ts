import { LARGEST_COPY } from './copy-object.ts';
import type { StoredObject } from './store.ts';

/** What identifies an object. */
type Described = Pick<StoredObject, 'bytes' | 'etag'>;

/**
 * What size and ETag reveal about the object that now has a recorded key: it is the recorded one; another was written
 * in its place; or either, since it may be a copy of the recorded one.
 */
type Likeness = 'same' | 'changed' | 'not told';

/**
 * Compares an object with what was recorded for its key, possibly long ago. If exactly one of the two was written in
 * parts, the object may have been copied away and back meanwhile. If both were, they are two separate writes: a copy
 * has no parts, unless the object is too large for one request.
 */
export function compareWithRecorded(recorded: Described, present: Described): Likeness {
  if (recorded.bytes !== present.bytes) return 'changed';
  if (recorded.etag === present.etag) return 'same';
  const ofParts = [recorded, present].filter(isOfParts).length;
  return ofParts === 1 || (ofParts === 2 && present.bytes > LARGEST_COPY) ? 'not told' : 'changed';
}

/**
 * Whether an object may be a copy of the other that the server has just made. The ETag of an object written in parts
 * follows no common formula, and a copy of it may have a different one; nor does the ETag depend on the bytes alone
 * if either object's encryption hides them. In those cases the size decides.
 */
export function mayBeCopy(
  source: Described & Pick<StoredObject, 'hidesMd5'>,
  copy: Described & Pick<StoredObject, 'hidesMd5'>,
): boolean {
  if (source.bytes !== copy.bytes) return false;
  if (source.etag === copy.etag) return true;
  return isOfParts(source) || isOfParts(copy) || source.hidesMd5 || copy.hidesMd5;
}

/** Whether an object was written in parts, as an ETag like `…-2` shows. */
function isOfParts({ etag }: Pick<Described, 'etag'>): boolean {
  return etag.includes('-');
}
