import { dropDatabase, listDatabases } from '../../postgres/administration.ts';
import type { Database } from '../../postgres/database.ts';
import type { Logger } from '../../ui/log.ts';
import { uninterrupted } from '../../uninterrupted.ts';

/**
 * Drops what is left of a database whose drop was cut off, for example by a server crash: it can be neither renamed
 * nor connected to, and blocks the name that the restored database needs.
 *
 * @throws DatabaseError, or the signal's reason
 */
export async function finishDrop(
  { database, log }: { readonly database: Database; readonly log: Logger },
  name: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  await database.use(database.maintenanceName, uninterrupted(), async (admin) => {
    const databases = await listDatabases(admin);
    if (!databases.some((other) => other.name === name && other.invalid)) return;
    await dropDatabase(admin, name);
    log.info(`dropped what was left of database ${name}`);
  });
}
