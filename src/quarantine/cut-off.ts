import { formatObjects } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';

/**
 * Runs work on many objects and, if it is interrupted after it has begun, logs how far it got: what is done stays
 * done.
 *
 * @param done updated by the work as it proceeds; sizes are bytes
 * @param describe says what has been done to `12 objects (3.4 MiB)`, and what to do now
 * @param work calls `begin` before it touches any object
 * @throws what the work throws
 */
export async function tellingCutOff<T>(
  log: Logger,
  done: { readonly count: number; readonly bytes: number },
  describe: (objects: string) => string,
  work: (begin: () => void) => Promise<T>,
): Promise<T> {
  let hasBegun = false;
  try {
    return await work(() => {
      hasBegun = true;
    });
  } catch (error) {
    if (!hasBegun) throw error;
    // The state of objects that were in progress is unknown.
    const known = `at least ${formatObjects(done)}`;
    log.warn(describe(done.count === 0 ? 'perhaps some objects' : known));
    throw error;
  }
}
