import { LockedError, OperatorError, tellError } from '../errors.ts';
import type { Logger } from '../ui/log.ts';
import type { Pace, Why } from './agenda.ts';
import type { Clock } from './clock.ts';
import { stopInTime } from './stop-in-time.ts';

/** Something that the service does repeatedly. */
export interface Job extends Pace {
  /** Its name in the log: `backup`. */
  readonly name: string;
  readonly runAtStart: boolean;
  /**
   * Does it once, and logs that. An error that it throws is logged, and the run is retried.
   *
   * @returns the next time, if it is not the one that the schedule gives
   */
  run(signal: AbortSignal, why: Why): Promise<Date | undefined>;
}

/** How a run ended. */
type Outcome =
  /** `next` is the job's own next time, if it has one. */
  | { readonly kind: 'done'; readonly next: Date | undefined }
  /** Another run holds the lock. */
  | { readonly kind: 'locked'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Runs a job once. When `signal` is aborted, the job is stopped and may clean up; one that does not end in time is
 * abandoned.
 *
 * @throws the signal's reason if that stopped the run, and nothing else
 */
export async function runJob(
  job: Job,
  why: Why,
  context: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return {
      kind: 'done',
      next: await stopInTime(job.name, (stopped) => job.run(stopped, why), context, signal),
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return describeFailure(error, context.log);
  }
}

function describeFailure(error: unknown, log: Logger): Outcome {
  const message = tellError(error);
  if (error instanceof LockedError) return { kind: 'locked', message };
  if (!(error instanceof OperatorError))
    log.debug(error instanceof Error ? (error.stack ?? message) : message);
  return { kind: 'failed', message };
}
