import type { StoredObject } from './store.ts';

/** What the identity of an object is judged by. */
type Described = Pick<StoredObject, 'bytes' | 'etag'>;

/**
 * Whether two objects hold the same bytes, as far as a server tells. The ETag of one that was written in parts follows
 * no common formula, and a copy of it may have another: then the size decides.
 */
export function isSame(a: Described, b: Described): boolean {
  if (a.bytes !== b.bytes) return false;
  return a.etag === b.etag || isOfParts(a) || isOfParts(b);
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
