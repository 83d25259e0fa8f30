import { setMaxListeners } from 'node:events';

/**
 * Lifts the limit on listeners of a signal to which all concurrent work listens, which is not a leak: Node warns of
 * more than ten, on stderr and not in the log's format. A derived signal needs this again.
 *
 * @returns the signal itself
 */
export function heardByMany(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
