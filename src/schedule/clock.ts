import { setTimeout } from 'node:timers/promises';

/**
 * The time of day, and waiting. The service receives it as a parameter, so that in tests days can pass in a moment.
 */
export interface Clock {
  now(): Date;
  /**
   * Waits for `ms` milliseconds, at most 2³¹ − 1.
   *
   * @throws an error if `signal` is aborted
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * The machine's clock, which may be set at any time; its sleep does not count time while the machine is suspended.
 */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
};
