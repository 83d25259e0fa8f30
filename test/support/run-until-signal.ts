import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does the work of a program that ends in order when a signal of the system tells it to, and says on stderr why it
 * failed or was stopped.
 *
 * @param program its name, for these messages
 * @param left what a signal leaves, in a clause: `both servers are removed`
 * @param work its signal is aborted by the first of SIGINT, SIGTERM and SIGHUP; those that follow change nothing
 * @returns the exit status: that of the work, 1 if it failed, and 128 and the signal's number if it was stopped
 */
export async function runUntilSignal(
  program: string,
  left: string,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const stop = new AbortController();
  let received: (typeof SIGNALS)[number] | undefined;
  for (const name of SIGNALS) {
    process.on(name, () => {
      received ??= name;
      stop.abort(new Error(`received ${name}`));
    });
  }
  try {
    return await work(stop.signal);
  } catch (error) {
    if (received !== undefined) {
      console.error(`${program}: stopped by ${received}; ${left}`);
      return 128 + constants.signals[received];
    }
    console.error(`${program}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
