import { LockedError, OperatorError } from '../errors.ts';
import type { Logger } from '../ui/log.ts';
import type { Pace, Why } from './agenda.ts';
import type { Clock } from './clock.ts';

/** How long a run that is stopped may take to clean up, in milliseconds; `docker stop` kills after ten seconds. */
const STOP_MS = 4000;

/** Something that the service does again and again. */
export interface Job extends Pace {
  /** What the log calls it: `backup`. */
  readonly name: string;
  readonly runAtStart: boolean;
  /** Does it once, and says so in the log. An error that it throws is logged, and it is tried again. */
  run(signal: AbortSignal, why: Why): Promise<void>;
}

/** How a run ended. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Another run holds the lock. */
  | { readonly kind: 'locked'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Runs a job once. When `signal` is aborted it is stopped and may clean up; one that does not end in time is left alone.
 *
 * @throws the signal's reason when that stopped the run, and nothing else
 */
export async function runJob(
  job: Job,
  why: Why,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<Outcome> {
  // A signal of its own: what callees leave on it goes with it, instead of gathering on the one of the whole service.
  const run = new AbortController();
  const ended = new AbortController();
  let stop = () => {};
  const outOfTime = new Promise<never>((_, reject) => {
    stop = () => {
      run.abort(signal.reason);
      const giveUp = () => {
        log.warn(`${job.name} did not end in time; the sweep of a later run removes what it left`);
        reject(signal.reason);
      };
      clock.sleep(STOP_MS, ended.signal).then(giveUp, () => {});
    };
  });
  signal.addEventListener('abort', stop);
  try {
    await Promise.race([job.run(run.signal, why), outOfTime]);
    return { kind: 'done' };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return describeFailure(error, log);
  } finally {
    signal.removeEventListener('abort', stop);
    ended.abort();
  }
}

function describeFailure(error: unknown, log: Logger): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof LockedError) return { kind: 'locked', message };
  if (error instanceof OperatorError) return { kind: 'failed', message };
  log.debug(error instanceof Error ? (error.stack ?? message) : message);
  return { kind: 'failed', message: `unexpected: ${message}` };
}
