import { mayBeCopy } from '../s3/object-identity.ts';
import { haveSameBytes } from '../s3/same-bytes.ts';
import { LONGEST_KEY, type ObjectInfo, type Store, type StoredObject } from '../s3/store.ts';

/** Number of concurrent copies requested from the server. */
export const COPIES = 8;

/** The outcome of copying an object to another key. */
type CopyOutcome =
  | { readonly kind: 'copied'; readonly source: StoredObject }
  /** There is no such object. */
  | { readonly kind: 'gone' }
  /** Why it was not copied; whatever was at the other key is still there. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Why the object at the other key is not a copy of it; it may be another writer's. */
  | { readonly kind: 'other'; readonly reason: string };

/**
 * Copies an object on the server, without its bytes passing through here, and checks the copy. Any object at `to` is
 * replaced.
 *
 * @param isWanted judges the object before it is copied: returns why it is not wanted, or undefined
 * @throws StoreError, or the signal's reason
 */
export async function copyAndCompare(
  store: Store,
  from: string,
  to: string,
  signal: AbortSignal,
  isWanted: (source: StoredObject) => string | undefined = () => undefined,
): Promise<CopyOutcome> {
  if (Buffer.byteLength(to) > LONGEST_KEY) {
    return { kind: 'refused', reason: `${to} would exceed the ${LONGEST_KEY} bytes that a key may have` };
  }
  const source = await store.head(from, signal);
  if (source === undefined) return { kind: 'gone' };
  const unwanted = isWanted(source);
  if (unwanted !== undefined) return { kind: 'refused', reason: unwanted };
  if (!(await store.copy({ key: from, etag: source.etag }, to, signal))) {
    return { kind: 'refused', reason: 'it changed while it was being copied' };
  }
  const reason = await faultOfCopy(store, source, await store.head(to, signal), signal);
  return reason === undefined ? { kind: 'copied', source } : { kind: 'other', reason };
}

/** @returns why it is not known to be a copy of the source; undefined if it is */
async function faultOfCopy(
  store: Store,
  source: StoredObject,
  copy: StoredObject | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (copy === undefined || !mayBeCopy(source, copy)) return 'its copy has a different size or ETag';
  if (copy.etag === source.etag) return undefined;
  // If the ETags are inconclusive, it is a copy as long as the source is unchanged. If the source is gone, the copy
  // may be all that is left.
  const now = await store.head(source.key, signal);
  return now === undefined || isUntouched(source, now) ? undefined : 'it changed while it was being copied';
}

/**
 * Whether an object in its place is what its copy in quarantine was made of. If their ETags are inconclusive, as for
 * objects written in parts or encrypted, it is if it was there before the copy was made; otherwise their bytes are
 * read.
 *
 * @throws StoreError, or the signal's reason
 */
export async function isInPlace(
  store: Store,
  copy: ObjectInfo,
  present: StoredObject,
  signal: AbortSignal,
): Promise<boolean> {
  if (present.bytes !== copy.bytes) return false;
  if (present.etag === copy.etag) return true;
  // A listing does not report the copy's encryption.
  const stored = await store.head(copy.key, signal);
  if (stored === undefined || !mayBeCopy(stored, present)) return false;
  // HEAD reports the time in whole seconds.
  const second = ({ lastModified }: ObjectInfo) => Math.floor(lastModified.getTime() / 1000);
  return second(present) < second(stored) || haveSameBytes(store, copy.key, present.key, signal);
}

/** Whether the object is still the one that was copied. */
export async function isUnchanged(store: Store, source: StoredObject, signal: AbortSignal): Promise<boolean> {
  const now = await store.head(source.key, signal);
  return now !== undefined && isUntouched(source, now);
}

function isUntouched(before: StoredObject, now: StoredObject): boolean {
  return (
    now.etag === before.etag &&
    now.bytes === before.bytes &&
    now.lastModified.getTime() === before.lastModified.getTime()
  );
}
