import type { S3Client } from '@aws-sdk/client-s3';
import pRetry from 'p-retry';
import { formatDuration } from '../ui/format.ts';
import { type Answer, answerOf, hasRemedy, spellAnswer, storeError } from './errors.ts';

/** How often a request is made anew that the SDK takes for refused for good. */
const RETRIES = 3;

/** Metadata that names the write which made an object. */
export const WRITE_ID = 'write-id';

/** One bucket of a server, over the SDK's client. */
export interface Connection {
  readonly client: S3Client;
  readonly bucket: string;
  /** For messages: `https://s3.example.org`. */
  readonly endpoint: string;
  /**
   * Runs one call; what it throws becomes the signal's reason or a StoreError.
   *
   * @param doing what is being done, to what: `cannot read backup/x.sql from bucket b`
   * @param permission the right that the call needs: `s3:GetObject on backup/x.sql`
   * @param again `unsent` where each call that arrives leaves something: it is not made anew, but for the SDK's few tries,
   * where nobody knows whether it has arrived
   */
  call<T>(
    doing: string,
    permission: string,
    signal: AbortSignal,
    work: () => Promise<T>,
    again?: 'always' | 'unsent',
  ): Promise<T>;
}

/** How a server is waited for. */
export interface Waiting {
  /** How long one is waited for that has answered before, in milliseconds. */
  readonly waitMs: number;
  /** Told once of each time that it cannot be reached, or refuses to work. */
  readonly onWait?: ((problem: string) => void) | undefined;
  /** Ends the waiting of every call, also of one that nothing breaks off: the program is to end. */
  readonly stop?: AbortSignal | undefined;
}

/** @returns a connection whose calls wait for the server where it has answered before and is gone, or refuses to work */
export function connectBucket(
  client: S3Client,
  { bucket, endpoint, waitMs, onWait, stop }: Pick<Connection, 'bucket' | 'endpoint'> & Waiting,
): Connection {
  let hasAnswered = false;
  let isWaiting = false;

  /** Several calls at a time find that the server is gone. */
  function noteWait({ status, code }: Answer): void {
    const gone = BROKEN_OFF.has(code) ? 'drops connections' : 'cannot be reached';
    const found = status === undefined ? `${gone} (${code})` : `answers ${spellAnswer(status, code)}`;
    if (!isWaiting) onWait?.(`${endpoint} ${found}; waiting up to ${formatDuration(waitMs)} for it`);
    isWaiting = true;
  }

  return {
    client,
    bucket,
    endpoint,
    async call(doing, permission, signal, work, again = 'always') {
      signal.throwIfAborted();
      try {
        const answer = await (hasAnswered
          ? untilReached(work, { waitMs, onWait: noteWait, stop, again }, signal)
          : work());
        hasAnswered = true;
        isWaiting = false;
        return answer;
      } catch (error) {
        const answered = answerOf(error).status !== undefined;
        hasAnswered ||= answered;
        // The next outage is another one.
        if (answered) isWaiting = false;
        throw signal.aborted ? signal.reason : storeError(`${doing} (${endpoint})`, error, permission);
      }
    },
  };
}

/** No connection comes about, so that nothing of the request has arrived: the server restarts, or the network is gone. */
const UNREACHED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

/** The connection is broken off, by the server or by what stands before it, and whether the request has arrived is open. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);

/** The server or a proxy before it has no room for more at the moment, or nobody to do it: it restarts. */
const BUSY = new Set([429, 502, 503, 504]);

/**
 * What has a remedy does not pass by itself; and an answer that breaks off empty is an InternalError of 503 for the SDK.
 */
function isWaitedFor({ status, code }: Answer, again: 'always' | 'unsent'): boolean {
  if (status === undefined) return UNREACHED.has(code) || (again === 'always' && BROKEN_OFF.has(code));
  return code === 'SlowDown' || (BUSY.has(status) && code !== 'InternalError' && !hasRemedy(code));
}

/**
 * Makes a call anew, about every ten seconds, for as long as the server cannot be reached or refuses to work. A call may
 * have taken long before it found that, so `waitMs` begins then.
 */
async function untilReached<T>(
  work: () => Promise<T>,
  {
    waitMs,
    onWait,
    stop,
    again,
  }: {
    readonly waitMs: number;
    readonly onWait: (answer: Answer) => void;
    readonly stop: AbortSignal | undefined;
    readonly again: 'always' | 'unsent';
  },
  signal: AbortSignal,
): Promise<T> {
  const enders = stop === undefined ? [signal] : [signal, stop];
  const wait = new AbortController();
  const endWait = () => wait.abort(enders.find(({ aborted }) => aborted)?.reason);
  let began: number | undefined;
  let refusal: unknown;
  let done: { readonly answer: T } | undefined;
  const tryOnce = async () => {
    done = { answer: await work() };
    return done.answer;
  };
  try {
    return await pRetry(tryOnce, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 1000,
      maxTimeout: 10_000,
      signal: wait.signal,
      shouldRetry: ({ error }) => {
        refusal = error;
        const answer = answerOf(error);
        began ??= performance.now();
        const isOver = performance.now() - began >= waitMs || enders.some(({ aborted }) => aborted);
        if (!isWaitedFor(answer, again) || isOver) return false;
        // Most calls never wait, and a listener for each would burden what lives as long as the program.
        for (const ender of enders) ender.addEventListener('abort', endWait);
        onWait(answer);
        return true;
      },
    });
  } catch (error) {
    // Nothing but the wait is ended: what was being asked meanwhile may have been done.
    if (done !== undefined) return done.answer;
    throw wait.signal.aborted ? refusal : error;
  } finally {
    for (const ender of enders) ender.removeEventListener('abort', endWait);
  }
}

/**
 * Errors that the SDK takes for good and that may pass: other bytes have arrived than were sent, or another write of
 * the same key is under way, at which AWS asks to try again.
 */
function isPassing(error: unknown): boolean {
  const { status, code } = answerOf(error);
  return code === 'BadDigest' || status === 409;
}

/** Makes a request anew where its error may pass. */
export function retryPassing<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return pRetry(request, {
    retries: RETRIES,
    minTimeout: 200,
    signal,
    shouldRetry: ({ error }) => isPassing(error),
  });
}
