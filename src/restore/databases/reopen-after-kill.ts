import { allowConnections, listDatabases } from '../../postgres/administration.ts';
import { administer } from '../../postgres/database.ts';
import { isScratchName } from './database-names.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Makes the database accept connections again if a restore was killed in the middle of the swap. That is certain only
 * if the restored database, still without its final name, refuses connections too: otherwise it does so only while it
 * is being dropped. A database that somebody has closed on purpose is left alone.
 *
 * Must be called under the lock, because a swap in progress looks the same.
 *
 * @returns whether it refused connections and no longer does
 * @throws DatabaseError, or the signal's reason
 */
export async function reopenAfterKill(
  { database, log }: ServerContext,
  signal: AbortSignal,
): Promise<boolean> {
  const { name } = database;
  return administer(database, signal, async (admin) => {
    const databases = await listDatabases(admin);
    const closed = databases.filter(({ connectable }) => !connectable);
    const scratch = closed.find((other) => isScratchName(name, other.name));
    const target = closed.find((other) => other.name === name);
    // Without the privilege to reopen it, the next step reports that it refuses connections, and what to run.
    if (scratch === undefined || target?.owned !== true || target.invalid) return false;
    await allowConnections(admin, name);
    log.warn(
      `database ${name} refused connections because a restore was killed during the swap; it accepts connections again`,
    );
    return true;
  });
}
