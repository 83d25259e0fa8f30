import { collect, noSuchObject, readObject } from './reader.ts';
import type { Store } from './store.ts';

/** Bytes that one request asks for, where others run beside it. */
export const PIECE_BYTES = 8 * 1024 ** 2;

/** Requests under way at the same time, at most: what many servers give to one connection, they give to each of a few. */
export const MOST_REQUESTS = 3;

/** Bytes that one request asks for, at most, where it runs alone and none of them have to be held. */
const ALONE_BYTES = 8 * PIECE_BYTES;

/** What became of the time since a piece was begun, in milliseconds. */
export interface Pace {
  /** The reader waited for bytes. */
  readonly waited: number;
  /** The reader was at work with them. */
  readonly used: number;
}

/**
 * How many requests are to be under way for the pieces that follow: more where the reader has mostly waited, fewer where
 * it was the slower one, for what is held ahead of it costs time too.
 */
export function chooseRequests(requests: number, { waited, used }: Pace): number {
  if (waited > used * 2) return Math.min(MOST_REQUESTS, requests + 1);
  return waited < used ? Math.max(1, requests - 1) : requests;
}

/**
 * The bytes of an object in order, by one ranged request after the other, or by a few at a time where the reader is
 * faster than one. No more is held than {@link MOST_REQUESTS} pieces of {@link PIECE_BYTES}. A request that breaks off
 * goes on where it was, and the object must be the same all along (ETag).
 *
 * @throws NotFoundError when there is no such object, StoreError when reading fails for good or the object changed
 */
export async function* readAhead(
  store: Store,
  key: string,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const object = await store.head(key, signal);
  if (object === undefined) throw noSuchObject(store, key);
  const { bytes, etag } = object;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let next = 0;
  let requests = 1;
  let alone = PIECE_BYTES;
  const ahead: Promise<Buffer[]>[] = [];

  /** Asks for the next bytes. */
  function request(length: number): AsyncIterable<Buffer> {
    const range = { start: next, end: Math.min(next + length, bytes) - 1 };
    next = range.end + 1;
    return readObject(store, key, { range, etag, signal: either });
  }

  function requestAhead(): void {
    while (ahead.length < requests && next < bytes) {
      const piece = collect(request(PIECE_BYTES));
      // It is waited for in its turn, and may fail before.
      piece.catch(() => {});
      ahead.push(piece);
    }
  }

  try {
    while (next < bytes || ahead.length > 0) {
      let chunks: AsyncIterable<Buffer> | readonly Buffer[];
      let waited = 0;
      let used = 0;
      let since = performance.now();
      if (requests === 1 && ahead.length === 0) {
        chunks = request(alone);
        alone = Math.min(ALONE_BYTES, alone * 2);
      } else {
        alone = PIECE_BYTES;
        requestAhead();
        chunks = (await ahead.shift()) ?? [];
        requestAhead();
      }
      for await (const chunk of chunks) {
        const came = performance.now();
        waited += came - since;
        yield chunk;
        since = performance.now();
        used += since - came;
      }
      requests = chooseRequests(requests, { waited, used });
    }
  } finally {
    stop.abort(new Error('the bytes are no longer wanted'));
    await Promise.allSettled(ahead);
  }
}
