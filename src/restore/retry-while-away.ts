import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../postgres/database.ts';
import { describeCause } from '../postgres/errors.ts';
import { isAway } from '../postgres/server-away.ts';
import type { Logger } from '../ui/log.ts';

/** How long such work may take, including waiting for a server that is briefly away, in milliseconds. */
const MOST_MS = 60_000;

/** How often to retry while the server is away, in milliseconds. */
const TRY_AGAIN_MS = 500;

/**
 * Does short work that should not be left undone, and repeats it while the server is away: restarting, for example.
 *
 * @param purpose for the log: `to drop database topobank_restore_20261123110000`
 * @param work may be repeated after it was done, if only the server's answer was lost; its signal ends the waiting
 * @throws the first other error, or after a minute the one that told that the server was away
 */
export async function retryWhileAway<T>(
  { server }: Pick<Database, 'server'>,
  purpose: string,
  log: Logger,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(MOST_MS);
  for (let away: unknown; ; ) {
    try {
      return await work(signal);
    } catch (error) {
      // The reason why the server was away says more than the timeout.
      if (signal.aborted) throw away ?? error;
      if (!isAway(error)) throw error;
      if (away === undefined) {
        log.warn(
          `waiting up to ${MOST_MS / 1000} s for the server ${server}, ${purpose}: ${describeCause(error)}`,
        );
      }
      away = error;
      // If the time runs out meanwhile, the next attempt notices.
      await delay(TRY_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }
}
