import type { S3Client } from '@aws-sdk/client-s3';
import pRetry from 'p-retry';
import { formatDuration } from '../ui/format.ts';
import { answerOf, storeError } from './errors.ts';

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
   */
  call<T>(doing: string, permission: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** How a server is waited for. */
interface Waiting {
  /** How long one is waited for that has answered before, in milliseconds. */
  readonly waitMs: number;
  /** Told once of each time that it cannot be reached. */
  readonly onWait?: ((problem: string) => void) | undefined;
}

/** @returns a connection whose calls wait for the server where it has answered before and is gone */
export function connectBucket(
  client: S3Client,
  { bucket, endpoint, waitMs, onWait }: Pick<Connection, 'bucket' | 'endpoint'> & Waiting,
): Connection {
  let hasAnswered = false;
  let isWaiting = false;

  /** Several calls at a time find that the server is gone. */
  function noteWait(code: string): void {
    if (!isWaiting)
      onWait?.(`${endpoint} cannot be reached (${code}); waiting up to ${formatDuration(waitMs)} for it`);
    isWaiting = true;
  }

  return {
    client,
    bucket,
    endpoint,
    async call(doing, permission, signal, work) {
      signal.throwIfAborted();
      try {
        const answer = await (hasAnswered
          ? untilReached(work, { waitMs, onWait: noteWait }, signal)
          : work());
        hasAnswered = true;
        isWaiting = false;
        return answer;
      } catch (error) {
        hasAnswered ||= answerOf(error).status !== undefined;
        throw signal.aborted ? signal.reason : storeError(`${doing} (${endpoint})`, error, permission);
      }
    },
  };
}

/** No connection comes about, so that nothing of the request has arrived: the server restarts, or the network is gone. */
const UNREACHED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

/** Makes a call anew, about every ten seconds, for as long as no connection comes about and `waitMs` is not over. */
function untilReached<T>(
  work: () => Promise<T>,
  { waitMs, onWait }: { readonly waitMs: number; readonly onWait: (code: string) => void },
  signal: AbortSignal,
): Promise<T> {
  return pRetry(work, {
    retries: Number.POSITIVE_INFINITY,
    maxRetryTime: waitMs,
    minTimeout: 1000,
    maxTimeout: 10_000,
    signal,
    shouldRetry: ({ error }) => {
      const { code } = answerOf(error);
      const isUnreached = UNREACHED.has(code);
      if (isUnreached) onWait(code);
      return isUnreached;
    },
  });
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
