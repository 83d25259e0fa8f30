import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../postgres/database.ts';
import { describeCause } from '../../postgres/errors.ts';
import { isAway } from '../../postgres/server-away.ts';
import { formatDuration } from '../../ui/format.ts';
import type { Logger } from '../../ui/log.ts';
import { tellingSlow } from './telling-slow.ts';

/** How long to wait for a server that is away, in milliseconds. */
const AWAY_MS = 60_000;

/**
 * How long one attempt may take, in milliseconds. A drop forces a checkpoint, for which a busy server may need minutes;
 * only where the connection is dead without either side noticing does nothing else end it.
 */
const ATTEMPT_MS = 30 * 60_000;

/** How often to retry while the server is away, in milliseconds. */
const TRY_AGAIN_MS = 500;

/**
 * Does short work that should not be left undone, and repeats it while the server is away: restarting, for example.
 *
 * @param purpose for the log: `to drop database topobank_restore_20261123110000`
 * @param work may be repeated after it was done, if only the server's answer was lost; its signal ends a single attempt
 * @throws the first other error, or once the server has been away for a minute the last one that told so
 */
export async function retryWhileAway<T>(
  database: Pick<Database, 'server'>,
  purpose: string,
  log: Logger,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let awaySince: number | undefined; ; ) {
    try {
      return await tellingSlow(database, purpose, log, () => work(AbortSignal.timeout(ATTEMPT_MS)));
    } catch (error) {
      if (!isAway(error)) throw error;
      if (awaySince === undefined) {
        awaySince = performance.now();
        const most = formatDuration(AWAY_MS);
        const { server } = database;
        log.warn(`waiting up to ${most} for the server ${server}, ${purpose}: ${describeCause(error)}`);
      } else if (performance.now() - awaySince > AWAY_MS) throw error;
    }
    await delay(TRY_AGAIN_MS);
  }
}
