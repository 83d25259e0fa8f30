import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/schedule/clock.ts';

/** A clock whose time passes at once, as soon as everybody waits for it. */
export interface SimulatedClock extends Clock {
  /** How long each sleep was asked for, in milliseconds. */
  readonly sleeps: readonly number[];
  /** How many sleep. */
  readonly sleeping: number;
  /** Does something after so many milliseconds of the machine's own time. */
  after(ms: number, action: () => void): void;
  /** Sets the time of day, as an operator or a time server does; it wakes nobody. */
  set(time: string): void;
  /** The machine is suspended: the time of day goes on, sleepers' time does not. */
  suspend(ms: number): void;
  /**
   * Lets time pass until `work` is done.
   *
   * @throws what `work` throws, and an error when it waits for something that never comes
   */
  play<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

export function createSimulatedClock(start: string): SimulatedClock {
  let wall = Date.parse(start);
  let elapsed = 0;
  let sleeping = 0;
  const timers = new Set<Timer>();
  const sleeps: number[] = [];

  function after(ms: number, fire: () => void): Timer {
    const timer = { at: elapsed + ms, fire };
    timers.add(timer);
    return timer;
  }

  function advance(): void {
    const next = [...timers].reduce((a, b) => (b.at < a.at ? b : a));
    timers.delete(next);
    wall += next.at - elapsed;
    elapsed = next.at;
    next.fire();
  }

  return {
    sleeps,
    get sleeping() {
      return sleeping;
    },
    now: () => new Date(wall),
    async sleep(ms, signal) {
      signal.throwIfAborted();
      // Of these, Node makes one millisecond.
      if (!(ms > 0 && ms < 2 ** 31)) throw new RangeError(`a timer cannot wait for ${ms} ms`);
      sleeps.push(ms);
      sleeping += 1;
      let stop = () => {};
      let timer: Timer | undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          stop = () => reject(signal.reason);
          signal.addEventListener('abort', stop);
          timer = after(ms, resolve);
        });
      } finally {
        signal.removeEventListener('abort', stop);
        if (timer !== undefined) timers.delete(timer);
        sleeping -= 1;
      }
    },
    after,
    set(time) {
      wall = Date.parse(time);
    },
    suspend(ms) {
      wall += ms;
    },
    async play(work) {
      let done = false;
      const end = work.finally(() => {
        done = true;
      });
      // It is awaited below; meanwhile a rejection is no unhandled one.
      end.catch(() => {});
      for (;;) {
        await setImmediate();
        if (done) return end;
        if (timers.size === 0) throw new Error('everybody waits, and nothing is to come');
        advance();
      }
    },
  };
}
