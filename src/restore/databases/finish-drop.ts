import { dropDatabase, listDatabases } from '../../postgres/administration.ts';
import { administer } from '../../postgres/database.ts';
import { uninterrupted } from '../../uninterrupted.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Drops what is left of a database whose drop was cut off, for example by a server crash: it can be neither renamed
 * nor connected to, and blocks the name that the restored database needs.
 *
 * @throws DatabaseError, or the signal's reason
 */
export async function finishDrop(
  { database, log }: ServerContext,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  await administer(database, uninterrupted(), async (admin) => {
    const databases = await listDatabases(admin);
    if (!databases.some((other) => other.name === name && other.invalid)) return;
    await dropDatabase(admin, name);
    log.info(`dropped what was left of database ${name}`);
  });
}
