import { createHash } from 'node:crypto';
import { NotFoundError } from '../errors.ts';
import { stoppable } from '../stoppable.ts';
import { readObject } from './reader.ts';
import type { Store } from './store.ts';

/**
 * Reads two objects in full and compares their bytes.
 *
 * @returns false also if one of them is gone
 * @throws StoreError if reading fails for good or one of them changed, or the signal's reason
 */
export async function haveSameBytes(
  store: Store,
  a: string,
  b: string,
  signal: AbortSignal,
): Promise<boolean> {
  // If one of the two concurrent reads fails, it ends the other.
  const { either: both, stop } = stoppable(signal);
  try {
    const [first, second] = await Promise.all([digest(store, a, both), digest(store, b, both)]);
    return first.equals(second);
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  } finally {
    stop();
  }
}

async function digest(store: Store, key: string, signal: AbortSignal): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of readObject(store, key, { signal })) hash.update(chunk);
  return hash.digest();
}
