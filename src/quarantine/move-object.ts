import { mayBeCopy } from '../s3/object-identity.ts';
import { haveSameBytes } from '../s3/same-bytes.ts';
import { LONGEST_KEY, type ObjectInfo, type Store, type StoredObject } from '../s3/store.ts';

/** Copies that the server is asked to make at the same time. */
export const COPIES = 8;

/** What came of a copy that is to take the place of an object. */
type CopyOutcome =
  | { readonly kind: 'copied'; readonly source: StoredObject }
  /** There is no such object. */
  | { readonly kind: 'gone' }
  /** Why it was not copied; what there was under the other key is there still. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Why what there is under the other key is no copy of it: another writer's object, perhaps. */
  | { readonly kind: 'other'; readonly reason: string };

/**
 * Copies an object on the server, without its bytes passing through here, and makes sure that the copy is it. What
 * there is under `to` is replaced.
 *
 * @param isWanted judges the object before it is copied: the reason why it is not, or undefined
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

/** @returns why it is not known to be a copy of the source; undefined when it is */
async function faultOfCopy(
  store: Store,
  source: StoredObject,
  copy: StoredObject | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (copy === undefined || !mayBeCopy(source, copy)) return 'its copy has a different size or ETag';
  if (copy.etag === source.etag) return undefined;
  // Where the ETags tell nothing, it is a copy of what was there before and is there still. Of what has gone since, the
  // copy may be all that is left.
  const now = await store.head(source.key, signal);
  return now === undefined || isUntouched(source, now) ? undefined : 'it changed while it was being copied';
}

/**
 * Whether what is in an object's place is what its copy in quarantine was made of. Where their ETags do not tell, as of
 * what was written in parts or is encrypted, it is if it was there before the copy was made; else their bytes are read.
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
  // A listing does not tell of the copy's encryption.
  const stored = await store.head(copy.key, signal);
  if (stored === undefined || !mayBeCopy(stored, present)) return false;
  // A HEAD tells the time without the fraction of the second.
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
