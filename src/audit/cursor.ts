import type { KeyBytes } from '../s3/key-bytes.ts';

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
