import { heardByMany } from '../heard-by-many.ts';
import { collect, noSuchObject, readObject } from './reader.ts';
import type { Store } from './store.ts';

/** Bytes that one request asks for, where others run beside it. */
export const PIECE_BYTES = 8 * 1024 ** 2;

/** Requests under way at the same time, at most: many servers give each of a few connections what they give to one. */
export const MOST_REQUESTS = 3;

/** Bytes that one request asks for, at most, where it runs alone and none of them have to be held. */
const ALONE_BYTES = 8 * PIECE_BYTES;

/** Bytes after which it is looked at how they came, at least. */
const WINDOW_BYTES = 2 * PIECE_BYTES;

/** The same of a request on trial, whose beginning weighs the less. */
const TRIAL_BYTES = 4 * PIECE_BYTES;

/** How many times as fast one more request has to make it: it costs both sides time of their processors. */
const WORTHWHILE = 1.25;

/** Windows after which another request is tried again where it was of no use; twice as many the next time. */
const FIRST_PAUSE = 16;

/** How the bytes of a window came. */
interface WindowPace {
  readonly bytes: number;
  /** Milliseconds in which the reader waited for bytes. */
  readonly waited: number;
  /** Milliseconds in which the reader was at work with them. */
  readonly used: number;
}

/** How many requests are under way, and what is known of it. */
export interface Requests {
  readonly count: number;
  /** Bytes a millisecond with one request fewer; set where the last one is on trial. */
  readonly rateBefore?: number;
  /** Windows to come without another trial. */
  readonly rest: number;
  /** Windows without one after the next trial that fails. */
  readonly pause: number;
}

const NO_BYTES: WindowPace = { bytes: 0, waited: 0, used: 0 };

/** How a read begins of which nothing is known. */
export const ONE_REQUEST: Requests = { count: 1, rest: 1, pause: FIRST_PAUSE };

/**
 * The requests of the next window. Where the reader mostly waits, one more is tried, and kept if the bytes come so much
 * faster; where it is the slower one there are fewer, for what is held ahead of it costs time too.
 */
export function chooseRequests(now: Requests, { bytes, waited, used }: WindowPace): Requests {
  const { count, rateBefore, rest, pause } = now;
  const rate = bytes / (waited + used);
  if (rateBefore !== undefined) {
    return rate >= rateBefore * WORTHWHILE
      ? { count, rest: 0, pause }
      : { count: count - 1, rest: pause, pause: pause * 2 };
  }
  if (waited < used) return { count: Math.max(1, count - 1), rest, pause };
  if (waited <= used * 2 || count === MOST_REQUESTS) return now;
  return rest > 0 ? { count, rest: rest - 1, pause } : { count: count + 1, rateBefore: rate, rest: 0, pause };
}

/**
 * The bytes of an object in order, by one ranged request after the other, or by a few at a time where the reader is
 * faster than one. No more is held than {@link MOST_REQUESTS} pieces of {@link PIECE_BYTES} and the one that is given
 * out. A request that breaks off goes on where it was, and the object must be the same all along (ETag).
 *
 * @throws NotFoundError when there is no such object, StoreError when reading fails for good or the object changed
 */
export async function* readAhead(
  store: Store,
  key: string,
  options: {
    /** What is known at the beginning. */
    readonly requests?: Requests;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Buffer> {
  const { signal } = options;
  const object = await store.head(key, signal);
  if (object === undefined) throw noSuchObject(store, key);
  const { bytes, etag } = object;
  const stop = new AbortController();
  const either = heardByMany(AbortSignal.any([signal, stop.signal]));
  let next = 0;
  let { requests = ONE_REQUEST } = options;
  let alone = PIECE_BYTES;
  const ahead: Promise<Buffer[]>[] = [];

  /** Asks for the next bytes. */
  function request(length: number): AsyncIterable<Buffer> {
    const range = { start: next, end: Math.min(next + length, bytes) - 1 };
    next = range.end + 1;
    return readObject(store, key, { range, etag, signal: either });
  }

  function requestAhead(): void {
    // One that runs alone is not held, so what is held is used up first.
    while (requests.count > 1 && ahead.length < requests.count && next < bytes) {
      const piece = collect(request(PIECE_BYTES));
      // It is waited for in its turn, and may fail before.
      piece.catch(() => {});
      ahead.push(piece);
    }
  }

  let pace = NO_BYTES;
  try {
    while (next < bytes || ahead.length > 0) {
      let chunks: AsyncIterable<Buffer> | readonly Buffer[];
      let { bytes: came, waited, used } = pace;
      let since = performance.now();
      if (requests.count === 1 && ahead.length === 0) {
        chunks = request(alone);
        alone = Math.min(ALONE_BYTES, alone * 2);
      } else {
        requestAhead();
        chunks = (await ahead.shift()) ?? [];
        requestAhead();
      }
      for await (const chunk of chunks) {
        const at = performance.now();
        waited += at - since;
        came += chunk.length;
        yield chunk;
        since = performance.now();
        used += since - at;
      }
      pace = { bytes: came, waited, used };
      if (came < (requests.rateBefore === undefined ? WINDOW_BYTES : TRIAL_BYTES)) continue;
      requests = chooseRequests(requests, pace);
      pace = NO_BYTES;
    }
  } finally {
    stop.abort(new Error('the bytes are no longer wanted'));
    await Promise.allSettled(ahead);
  }
}
