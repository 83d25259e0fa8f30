import { DatabaseError, StoreError } from '../errors.ts';
import { type KeyBytes, keyOf } from '../s3/key-bytes.ts';
import type { ObjectInfo } from '../s3/store.ts';

/** One item at a time of an iterable of batches, without a promise for each. */
export interface Cursor<T> {
  readonly item: T | undefined;
  /** Its key; undefined where there is no item. */
  readonly key: KeyBytes | undefined;
  /** Whether there is none to come. */
  readonly ended: boolean;
  /** Goes to the next item of the batch; false when {@link more} has to be awaited for it. */
  step(): boolean;
  /** Goes to the first item of the next batch that has one. */
  more(): Promise<void>;
  /** Goes to the first item of the next batch; there is no item where that is empty. */
  nextBatch(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param keys whether a key may come again
 * @param refuseOrder makes the error for a key that comes after a greater one
 */
export function openCursor<T>(
  batches: AsyncIterable<readonly T[]>,
  bytesOf: (item: T) => KeyBytes,
  keys: 'once' | 'repeated',
  refuseOrder: (key: KeyBytes, after: KeyBytes) => Error,
): Cursor<T> {
  const iterator = batches[Symbol.asyncIterator]();
  let batch: readonly T[] = [];
  let at = 0;
  let item: T | undefined;
  /** Of the last item there was. */
  let key: KeyBytes | undefined;
  let ended = false;

  function take(next: T): void {
    const before = key;
    item = next;
    key = bytesOf(next);
    if (before === undefined) return;
    if (key < before || (key === before && keys === 'once')) throw refuseOrder(key, before);
  }

  async function nextBatch(): Promise<void> {
    const next = await iterator.next();
    ended = next.done === true;
    batch = next.done === true ? [] : next.value;
    at = 0;
    const first = batch[0];
    if (first === undefined) item = undefined;
    else take(first);
  }

  return {
    get item() {
      return item;
    },
    get key() {
      return item === undefined ? undefined : key;
    },
    get ended() {
      return ended;
    },
    step() {
      at += 1;
      const next = batch[at];
      if (next === undefined) return false;
      take(next);
      return true;
    },
    async more() {
      do await nextBatch();
      while (item === undefined && !ended);
    },
    nextBatch,
    async close() {
      await iterator.return?.();
    },
  };
}

/**
 * Whether more of the listing has to come before it is known which object a row has.
 *
 * @param row the key of the current row; undefined where there is none
 * @param isListed whether all objects up to a key came; no key's did where it is left out
 */
export function isToCome(
  listed: Pick<Cursor<ObjectInfo>, 'item' | 'ended'>,
  row: KeyBytes | undefined,
  isListed?: (key: KeyBytes) => boolean,
): boolean {
  if (listed.item !== undefined || listed.ended) return false;
  return row === undefined || !isListed?.(row);
}

const JOINING = 'cannot join rows and objects';

/** That one key came after another. */
export function describeOrder(key: KeyBytes, after: KeyBytes): string {
  return `${JSON.stringify(keyOf(key))} after ${JSON.stringify(keyOf(after))}, which is not the order of their bytes`;
}

/** For {@link openCursor} over the rows of a reference query. */
export function refuseRowOrder(key: KeyBytes, after: KeyBytes): DatabaseError {
  return new DatabaseError({ doing: JOINING, problem: `the database sent ${describeOrder(key, after)}` });
}

/** For {@link openCursor} over a listing of the bucket. */
export function refuseListingOrder(key: KeyBytes, after: KeyBytes): StoreError {
  return new StoreError({
    doing: JOINING,
    problem: `the S3 server listed ${describeOrder(key, after)}`,
    remedy: 'use a bucket whose listings are ordered (AWS directory buckets are not)',
  });
}

/** Of prefixes that come in order, the one that covers furthest: the open one, unless the next lies outside of it. */
export function furthest(open: KeyBytes | undefined, next: KeyBytes): KeyBytes {
  return open !== undefined && next.startsWith(open) ? open : next;
}

/** What consoles and mounted buckets put for a folder; no application's file. */
export function isFolderMarker({ key, bytes }: ObjectInfo): boolean {
  return bytes === 0 && key.endsWith('/');
}
