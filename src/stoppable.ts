import { heardByMany } from './heard-by-many.ts';

/** Work whose parts end together. */
export interface Stoppable {
  /** Aborted with the outer signal, or by `stop`; any number of parts may listen to it. */
  readonly either: AbortSignal;
  /** Ends all parts, with the reason that each of them throws. */
  readonly stop: (reason?: unknown) => void;
}

/** Work that can be ended as a whole before the outer signal says so. */
export function stoppable(signal: AbortSignal): Stoppable {
  const own = new AbortController();
  return {
    either: heardByMany(AbortSignal.any([signal, own.signal])),
    stop: (reason) => own.abort(reason),
  };
}
