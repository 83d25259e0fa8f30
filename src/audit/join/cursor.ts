import type { KeyBytes } from '../../s3/key-bytes.ts';

/** Reads an iterable of batches one item at a time, without a promise for each. */
export interface Cursor<T> {
  readonly item: T | undefined;
  /** The item's key; undefined if there is no item. */
  readonly key: KeyBytes | undefined;
  /** Whether the iterable has ended. */
  readonly ended: boolean;
  /** Moves to the next item of the batch; returns false if {@link more} must be awaited to get one. */
  step(): boolean;
  /** Moves to the first item of the next batch that is not empty. */
  more(): Promise<void>;
  /** Moves to the first item of the next batch; there is no item if that batch is empty. */
  nextBatch(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param keys whether a key may be repeated
 * @param refuseOrder makes the error for a key that is out of order
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
  /** Key of the last item read. */
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
