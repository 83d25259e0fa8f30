import { StoreError } from '../errors.ts';
import { stoppable } from '../stoppable.ts';
import { collect, noSuchObject, readObject } from './reader.ts';
import type { Store } from './store.ts';

/** Bytes per request when several run at once. */
export const PIECE_BYTES = 8 * 1024 ** 2;

/**
 * Most requests under way at the same time: many servers give each of a few connections as much as they give to one.
 */
export const MOST_REQUESTS = 3;

/** Most bytes per request when it runs alone and nothing has to be held. */
const ALONE_BYTES = 8 * PIECE_BYTES;

/** Fewest bytes over which the pace is measured. */
const WINDOW_BYTES = 2 * PIECE_BYTES;

/** The same for a request on trial: a longer window, so that its start weighs less. */
const TRIAL_BYTES = 4 * PIECE_BYTES;

/** Speedup that an additional request must bring: it costs both sides processor time. */
const WORTHWHILE = 1.25;

/** Windows to wait before retrying an additional request that did not help; doubled each time. */
const FIRST_PAUSE = 16;

/** How fast the bytes of a window came. */
interface WindowPace {
  readonly bytes: number;
  /** Milliseconds the reader spent waiting for bytes. */
  readonly waited: number;
  /** Milliseconds the reader spent working on them. */
  readonly used: number;
}

/** How many requests are under way, and what is known about their pace. */
export interface Requests {
  readonly count: number;
  /** Bytes per millisecond with one request fewer; set while the last one is on trial. */
  readonly rateBefore?: number;
  /** Windows left before another trial. */
  readonly rest: number;
  /** Windows without a trial after the next one that fails. */
  readonly pause: number;
}

const NO_BYTES: WindowPace = { bytes: 0, waited: 0, used: 0 };

/** How a read begins when nothing is known. */
export const ONE_REQUEST: Requests = { count: 1, rest: 1, pause: FIRST_PAUSE };

/**
 * The requests for the next window. If the reader mostly waits, one more is tried, and kept if the bytes come enough
 * faster; if the reader is the slower side, there are fewer, since holding bytes ahead of it costs time too.
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
 * The bytes of an object in order, by consecutive ranged requests, or by a few at a time if the reader is faster than
 * one. At most {@link MOST_REQUESTS} pieces of {@link PIECE_BYTES} are held, plus the one being handed out. A request
 * that breaks off resumes where it was, and the object must stay the same throughout (ETag).
 *
 * @throws NotFoundError if there is no such object, StoreError if reading fails for good or the object changed
 */
export async function* readAhead(
  store: Store,
  key: string,
  options: {
    /** What is known at the start. */
    readonly requests?: Requests;
    /** Its size as listed: what has another one by now says nothing about the object that was listed. */
    readonly listedBytes?: number;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Buffer> {
  const { signal, listedBytes } = options;
  const object = await store.head(key, signal);
  if (object === undefined) throw noSuchObject(store, key);
  const { bytes, etag } = object;
  if (listedBytes !== undefined && bytes !== listedBytes) {
    throw new StoreError({
      doing: `cannot read ${key} from bucket ${store.bucket}`,
      problem: `the server says that it has ${bytes} bytes, but listed ${listedBytes}`,
      remedy: 'run again; if it stays so, check proxies between this machine and the S3 server',
    });
  }
  const { either, stop } = stoppable(signal);
  let next = 0;
  let { requests = ONE_REQUEST } = options;
  let alone = PIECE_BYTES;
  const ahead: Promise<Buffer[]>[] = [];

  /** Requests the next bytes. */
  function request(length: number): AsyncIterable<Buffer> {
    const range = { start: next, end: Math.min(next + length, bytes) - 1 };
    next = range.end + 1;
    return readObject(store, key, { range, etag, signal: either });
  }

  function requestAhead(): void {
    // A request that runs alone is not held, so whatever is held is used up first.
    while (requests.count > 1 && ahead.length < requests.count && next < bytes) {
      const piece = collect(request(PIECE_BYTES));
      // It is awaited in its turn, but may fail before that.
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
    stop(new Error('the bytes are no longer wanted'));
    await Promise.allSettled(ahead);
  }
}
