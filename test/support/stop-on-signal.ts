import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A program's wish to end in order when it is told to by a signal of the system. */
export interface Stop {
  /** Aborted by the first of SIGINT, SIGTERM and SIGHUP; those that follow are taken and change nothing. */
  readonly signal: AbortSignal;
  /** The signal's name and the exit status that tells of it; undefined where none came. */
  received(): { readonly name: string; readonly exitStatus: number } | undefined;
}

/** Listens from now on until the process ends. */
export function stopOnSignal(): Stop {
  const stop = new AbortController();
  let received: (typeof SIGNALS)[number] | undefined;
  for (const name of SIGNALS) {
    process.on(name, () => {
      received ??= name;
      stop.abort(new Error(`received ${name}`));
    });
  }
  return {
    signal: stop.signal,
    received: () =>
      received === undefined ? undefined : { name: received, exitStatus: 128 + constants.signals[received] },
  };
}
