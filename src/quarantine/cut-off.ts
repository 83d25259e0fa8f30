import { formatBytes, formatNumber } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';

/** How far work on many objects has got; the work updates it as it proceeds. */
export interface Done {
  /** Whether any object has been touched. */
  begun: boolean;
  count: number;
  bytes: number;
}

/** Nothing done yet. */
export function nothingDone(): Done {
  return { begun: false, count: 0, bytes: 0 };
}

/**
 * Runs work on many objects and, if it is interrupted after it has begun, logs how far it got: what is done stays
 * done.
 *
 * @param describe says what has been done to `12 objects (3.4 MiB)`, and what to do now
 * @throws what the work throws
 */
export async function tellingCutOff<T>(
  log: Logger,
  done: Readonly<Done>,
  describe: (objects: string) => string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!done.begun) throw error;
    // The state of objects that were in progress is unknown.
    const known = `at least ${formatNumber(done.count, 'object')} (${formatBytes(done.bytes)})`;
    log.warn(describe(done.count === 0 ? 'perhaps some objects' : known));
    throw error;
  }
}
