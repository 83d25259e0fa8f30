import { StoreError } from '../errors.ts';
import { answerOf } from '../s3/errors.ts';

/** As many objects as fail one after the other are taken for a server that fails for all. */
const MOST_IN_A_ROW = 16;

/** Answers that are about who asks, or where, whatever the object is. */
const OF_THE_CALLER = new Set(['ExpiredToken', 'InvalidToken', 'NoSuchBucket']);

/** What `work` returned, or why the server failed for this object. */
export type Attempt<T> =
  | { readonly kind: 'done'; readonly result: T }
  | { readonly kind: 'failed'; readonly reason: string };

/** Work on many objects, of which the server may fail for some. */
export interface ObjectFailures {
  /**
   * Does something with one object.
   *
   * @throws what `work` throws, where that is no matter of this object, or has befallen too many in a row
   */
  attempt<T>(work: () => Promise<T>): Promise<Attempt<T>>;
}

/** Begins to count the failures that follow one another. */
export function tolerateFailures(): ObjectFailures {
  let inARow = 0;
  return {
    async attempt(work) {
      try {
        const result = await work();
        inARow = 0;
        return { kind: 'done', result };
      } catch (error) {
        inARow += 1;
        if (!isOfOneObject(error) || inARow >= MOST_IN_A_ROW) throw error;
        return { kind: 'failed', reason: `the server failed for it: ${error.problem}` };
      }
    },
  };
}

/**
 * Whether an error may be one of this object alone: the server has answered, and has not refused who asks, or it took
 * too long over this one. An object in an archive is refused like a stranger, by 403.
 */
export function isOfOneObject(error: unknown): error is StoreError {
  if (!(error instanceof StoreError)) return false;
  const { status, code } = answerOf(error.cause);
  if (status === undefined) return code === 'TimeoutError';
  if (status === 401 || status === 403) return code === 'InvalidObjectState';
  return !OF_THE_CALLER.has(code);
}
