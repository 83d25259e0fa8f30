import { setMaxListeners } from 'node:events';

/**
 * For a signal to which everything listens that is under way at the same time, which is no leak: Node warns of more than
 * ten listeners, on stderr and in a form that is not the log's. A signal that is derived from one needs it anew.
 *
 * @returns the signal itself
 */
export function heardByMany(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
