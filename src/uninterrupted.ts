/**
 * A signal that is never aborted, for short work that would leave something behind if it were interrupted half-way:
 * an abort takes effect only once it is done. Each call returns a new one, because consumers add listeners to it.
 */
export function uninterrupted(): AbortSignal {
  return new AbortController().signal;
}
