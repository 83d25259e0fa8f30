import { StoreError } from '../errors.ts';
import type { Store } from './store.ts';

/**
 * Deletes what the server lets go.
 *
 * @returns the error that names the keys which it refuses to delete; undefined where all are gone
 * @throws StoreError where it is not known which those are, or the signal's reason
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
