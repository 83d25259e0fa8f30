import { setTimeout } from 'node:timers/promises';

/** The time of day, and waiting. The service is given one, so that days can pass in a moment. */
export interface Clock {
  now(): Date;
  /**
   * Waits for `ms` milliseconds, at most 2³¹ − 1.
   *
   * @throws an error when `signal` is aborted
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The machine's clock, which may be set at any time; its sleep does not count the time that the machine sleeps. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
};
