import type { S3Client } from '@aws-sdk/client-s3';
import pRetry from 'p-retry';
import { formatDuration } from '../ui/format.ts';
import {
  type Addressed,
  type Answer,
  answerOf,
  hasRemedy,
  isConnectTimeout,
  spellAnswer,
  storeError,
} from './errors.ts';

/** How many times to repeat a request whose failure the SDK considers permanent. */
const RETRIES = 3;

/** Metadata that identifies the write that made an object. */
export const WRITE_ID = 'write-id';

/** One bucket of a server, over the SDK's client. */
export interface Connection extends Addressed {
  readonly client: S3Client;
  /**
   * Runs one call; anything it throws becomes the signal's reason or a StoreError.
   *
   * @param doing what is being done, to what: `cannot read backup/x.sql from bucket b`
   * @param permission the right that the call needs: `s3:GetObject on backup/x.sql`
   * @param again `unsent` if every call that arrives leaves something behind: when it is unknown whether a call
   * arrived, it is not repeated beyond the SDK's few retries
   */
  call<T>(
    doing: string,
    permission: string,
    signal: AbortSignal,
    work: () => Promise<T>,
    again?: 'always' | 'unsent',
  ): Promise<T>;
}

/** How to wait for a server. */
export interface Waiting {
  /** How long to wait for a server that has answered before, in milliseconds. */
  readonly waitMs: number;
  /**
   * Called once per outage, when the server cannot be reached or refuses to work; and once for each object of which a
   * request times out, until one is answered.
   */
  readonly onWait?: ((problem: string) => void) | undefined;
  /** Ends the waiting of every call, even one that its own signal does not abort: the program is about to end. */
  readonly stop?: AbortSignal | undefined;
}

/**
 * @returns a connection whose calls wait for the server if it has answered before and is now gone or refuses to work
 */
export function connectBucket(
  client: S3Client,
  { bucket, endpoint, waitMs, onWait, stop }: Addressed & Waiting,
): Connection {
  let hasAnswered = false;
  let isWaiting = false;

  /** Reports an outage once, although several concurrent calls may notice it. */
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
        // The next outage is a new one.
        if (answered) isWaiting = false;
        throw signal.aborted
          ? signal.reason
          : storeError(`${doing} (${endpoint})`, error, permission, { bucket, endpoint });
      }
    },
  };
}

/** No connection was made, so nothing of the request arrived: the server is restarting, or the network is down. */
const UNREACHED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

/** The server, or something in front of it, dropped the connection; whether the request arrived is unknown. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);

/** The server or a proxy in front of it is overloaded, or is restarting and cannot serve requests. */
const BUSY = new Set([429, 502, 503, 504]);

/**
 * An error with a remedy does not pass by itself; and the SDK reports an answer that breaks off empty as
 * InternalError with status 503.
 */
function isWaitedFor(error: unknown, again: 'always' | 'unsent'): boolean {
  const { status, code } = answerOf(error);
  if (status === undefined) {
    return UNREACHED.has(code) || isConnectTimeout(error) || (again === 'always' && BROKEN_OFF.has(code));
  }
  return code === 'SlowDown' || (BUSY.has(status) && code !== 'InternalError' && !hasRemedy(code));
}

/**
 * Repeats a call, about every ten seconds, for as long as the server cannot be reached or refuses to work. `waitMs`
 * starts at the first failure, since the call may take long to get there.
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
        began ??= performance.now();
        const isOver = performance.now() - began >= waitMs || enders.some(({ aborted }) => aborted);
        if (!isWaitedFor(error, again) || isOver) return false;
        // Most calls never wait, and a listener for each would burden signals that live as long as the program.
        for (const ender of enders) ender.addEventListener('abort', endWait);
        onWait(answerOf(error));
        return true;
      },
    });
  } catch (error) {
    // Only the wait was ended: the attempt under way may have succeeded meanwhile.
    if (done !== undefined) return done.answer;
    throw wait.signal.aborted ? refusal : error;
  } finally {
    for (const ender of enders) ender.removeEventListener('abort', endWait);
  }
}

/**
 * Errors that the SDK considers permanent but that may pass: the server received other bytes than were sent, or
 * another write of the same key is under way, for which AWS asks to retry.
 */
function isPassing(error: unknown): boolean {
  const { status, code } = answerOf(error);
  return code === 'BadDigest' || status === 409;
}

/** Repeats a request whose error may pass. */
export function retryPassing<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return pRetry(request, {
    retries: RETRIES,
    minTimeout: 200,
    signal,
    shouldRetry: ({ error }) => isPassing(error),
  });
}
