import { StoreError } from '../errors.ts';
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
