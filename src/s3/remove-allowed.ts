import { StoreError } from '../errors.ts';
import { formatFirst } from '../ui/format.ts';
import type { Store } from './store.ts';

/**
 * Deletes what the server allows to be deleted.
 *
 * @returns the error naming the keys that it refuses to delete; undefined if all are gone
 * @throws StoreError if it is not known which those are, or the signal's reason
 */
export async function removeAllowed(
  store: Store,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<StoreError | undefined> {
  try {
    await store.remove(keys, signal);
    return undefined;
  } catch (error) {
    if (error instanceof StoreError && error.keys.length > 0) return error;
    throw error;
  }
}

/** Most refusals that one message tells of. */
const NAMED_REFUSALS = 3;

/** Several refusals as one error. */
export function joinRefusals(doing: string, refusals: readonly StoreError[]): StoreError {
  const messages = refusals.map(({ message }) => message);
  return new StoreError({
    doing,
    problem: formatFirst(messages, NAMED_REFUSALS, '; '),
    keys: refusals.flatMap(({ keys }) => keys),
  });
}
