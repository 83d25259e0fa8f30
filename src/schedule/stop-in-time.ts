import { heardByMany } from '../heard-by-many.ts';
import type { Logger } from '../ui/log.ts';
import type { Clock } from './clock.ts';

/** How long stopped work may take to clean up, in milliseconds; `docker stop` kills after ten seconds. */
const STOP_MS = 4000;

/**
 * Runs work that may clean up when `signal` is aborted, but not for long: work that does not end in time is
 * abandoned.
 *
 * @param name its name in the log
 * @throws what the work throws, or the signal's reason if it was abandoned
 */
export async function stopInTime<T>(
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  // A signal for this run only: listeners that callees leave on it disappear with it, instead of accumulating on the
  // signal of the whole service.
  const run = new AbortController();
  const ended = new AbortController();
  let stop = () => {};
  const outOfTime = new Promise<never>((_, reject) => {
    stop = () => {
      run.abort(signal.reason);
      const giveUp = () => {
        log.warn(
          `${name} did not stop in time; a later backup aborts its upload, \`doctor\` names a leftover database, and \`list\` shows a dump without a manifest as foreign`,
        );
        reject(signal.reason);
      };
      clock.sleep(STOP_MS, ended.signal).then(giveUp, () => {});
    };
  });
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([work(heardByMany(run.signal)), outOfTime]);
  } finally {
    signal.removeEventListener('abort', stop);
    ended.abort();
  }
}
