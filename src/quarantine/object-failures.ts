import { StoreError } from '../errors.ts';
import { answerOf, isArchived } from '../s3/errors.ts';

/** If this many objects fail in a row, the server is taken to fail for all. */
export const MOST_IN_A_ROW = 16;

/** Error codes about the caller or the bucket, whatever the object is. */
const OF_THE_CALLER = new Set(['ExpiredToken', 'InvalidToken', 'NoSuchBucket']);

/** What `work` returned, or why the server failed for this object. */
export type Attempt<T> =
  | { readonly kind: 'done'; readonly result: T }
  | { readonly kind: 'failed'; readonly reason: string };

/** Work on many objects, for some of which the server may fail. */
export interface ObjectFailures {
  /**
   * Does something with one object.
   *
   * @throws what `work` throws if that does not concern this object alone, or too many objects have failed in a row
   */
  attempt<T>(work: () => Promise<T>): Promise<Attempt<T>>;
}

/** Starts to count consecutive failures. */
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
 * Whether an error may concern this object alone: the server has answered and not refused the caller, or it took too
 * long over this object.
 */
export function isOfOneObject(error: unknown): error is StoreError {
  if (!(error instanceof StoreError)) return false;
  const { status, code } = answerOf(error.cause);
  if (status === undefined) return code === 'TimeoutError';
  if (status === 401 || status === 403) return isArchived(error);
  return !OF_THE_CALLER.has(code);
}
