import { formatBytes, formatNumber } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';

/**
 * Does work on many objects, and where it is cut off tells how far it has come: what is done stays done.
 *
 * @param done counted by the work as it goes on; sizes are bytes
 * @param describe what has been done to `12 objects (3.4 MiB)`, and what to do now
 * @throws what the work throws
 */
export async function tellingCutOff<T>(
  log: Logger,
  done: { readonly count: number; readonly bytes: number },
  describe: (objects: string) => string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Of those that were under way nobody knows.
    const known = `at least ${formatNumber(done.count, 'object')} (${formatBytes(done.bytes)})`;
    log.warn(describe(done.count === 0 ? 'perhaps some objects' : known));
    throw error;
  }
}
