/**
 * A signal that is never aborted: for what takes moments, and would leave something behind if it were broken off
 * half-way. What was to stop it waits until it is done. Each is a new one, for whoever is given a signal listens to it.
 */
export function uninterrupted(): AbortSignal {
  return new AbortController().signal;
}
