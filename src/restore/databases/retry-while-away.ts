import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../postgres/database.ts';
import { describeCause } from '../../postgres/errors.ts';
import { isAway } from '../../postgres/server-away.ts';
import { formatDuration } from '../../ui/format.ts';
import { explainable } from './blockers.ts';
import type { ServerContext } from './server-context.ts';
import { SLOW_MS, tellingSlow } from './telling-slow.ts';

/** How long to wait for a server that is away, in milliseconds. */
const AWAY_MS = 60_000;

/**
 * How long one attempt may take, in milliseconds. A drop forces a checkpoint, for which a busy server may need minutes;
 * only where the connection is dead without either side noticing does nothing else end it.
 */
const ATTEMPT_MS = 30 * 60_000;

/** How often to retry while the server is away, in milliseconds. */
const TRY_AGAIN_MS = 500;

/** How many outages are waited for: the work itself may be what takes the server down, again and again. */
const MOST_OUTAGES = 5;

/**
 * Does short work that should not be left undone, and repeats it while the server is away: restarting, for example.
 *
 * @param purpose for the log: `to drop database topobank_restore_20261123110000`
 * @param work may be repeated after it was done, if only the server's answer was lost. It connects through the database
 * that it is given, by which it is seen that the server is back and who keeps it waiting; its signal ends a single attempt
 * @param slowMs after how long people are told that the server takes long; only tests set it
 * @throws the first other error, or the last one that told that the server is away: once it has been so for a minute, or
 * again and again, or the program is to end
 */
export async function retryWhileAway<T>(
  context: ServerContext,
  purpose: string,
  work: (database: Database, signal: AbortSignal) => Promise<T>,
  slowMs = SLOW_MS,
): Promise<T> {
  const { database, log, stop } = context;
  let awaySince: number | undefined;
  const { database: watched, explain } = explainable({
    ...database,
    use: (name, signal, useClient) =>
      database.use(name, signal, (client) => {
        awaySince = undefined;
        return useClient(client);
      }),
  });
  for (let outages = 0; ; ) {
    try {
      const attempt = () => work(watched, AbortSignal.timeout(ATTEMPT_MS));
      return await tellingSlow(context, purpose, attempt, { slowMs, explain });
    } catch (error) {
      // Whoever ends the program may kill it soon, before it could tell what is left undone.
      if (!isAway(error) || stop?.aborted) throw error;
      if (awaySince === undefined) {
        outages += 1;
        if (outages > MOST_OUTAGES) throw error;
        awaySince = performance.now();
        const most = formatDuration(AWAY_MS);
        log.warn(
          `waiting up to ${most} for the server ${database.server}, ${purpose}: ${describeCause(error)}`,
        );
      } else if (performance.now() - awaySince > AWAY_MS) throw error;
    }
    await delay(TRY_AGAIN_MS, undefined, { signal: stop }).catch(() => {});
  }
}
