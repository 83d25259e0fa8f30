import { allowConnections, listDatabases } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import { isScratchName } from './names.ts';

/**
 * Has the database accept connections again where a restore was killed in the middle of the swap. That it was, only
 * the two together tell: the restored database that has not got its name refuses connections too, as it otherwise does
 * only while it is dropped. One that somebody has closed on purpose is left alone.
 *
 * To be called under the lock, for in a swap that is under way it looks the same.
 *
 * @returns whether it refused them, and does so no more
 * @throws DatabaseError, or the signal's reason
 */
export async function reopenAfterKill(
  { database, log }: { readonly database: Database; readonly log: Logger },
  signal: AbortSignal,
): Promise<boolean> {
  const { name, maintenanceName } = database;
  return database.use(maintenanceName, signal, async (admin) => {
    const databases = await listDatabases(admin).catch((error: unknown) => {
      throw databaseError('cannot list the databases of the server', error);
    });
    const closed = databases.filter(({ connectable }) => !connectable);
    const scratch = closed.find((other) => isScratchName(name, other.name));
    const target = closed.find((other) => other.name === name);
    // Without the right to, what comes next says that it refuses connections, and what to run.
    if (scratch === undefined || target?.owned !== true || target.invalid) return false;
    await allowConnections(admin, name, true);
    log.warn(
      `database ${name} refused connections because a restore was killed during the swap; it accepts connections again`,
    );
    return true;
  });
}
