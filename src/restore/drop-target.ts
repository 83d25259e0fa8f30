import type pg from 'pg';
import { allowConnections, dropDatabase, listDatabases, stillClosed } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { describeCause } from '../postgres/errors.ts';
import { isAway } from '../postgres/server-away.ts';
import type { Logger } from '../ui/log.ts';
import { uninterrupted } from '../uninterrupted.ts';
import { type FoundDatabases, findDatabases } from './find-target.ts';
import { retryWhileAway } from './retry-while-away.ts';

/** What has become of the database that a restore in place drops. */
export type Fate =
  | 'as it was'
  | 'dropped'
  /** It is neither there nor gone: all that can be done is drop it again. */
  | 'cut off'
  /** The server has not come back to be asked. */
  | 'not known';

interface DropContext {
  readonly database: Database;
  readonly log: Logger;
}

/**
 * Drops the database that is to be replaced.
 *
 * @param checkStill throws if what is there now is not what it was agreed to drop
 * @throws what `checkStill` throws, DatabaseError; {@link fateOf} then tells what there is
 */
export async function dropTarget(
  { database, log }: DropContext,
  name: string,
  checkStill: (there: FoundDatabases) => void,
): Promise<void> {
  await database.use(database.maintenanceName, uninterrupted(), async (admin) => {
    checkStill(await findDatabases(admin, name));
    await dropDatabase(admin, name);
  });
  log.info(`dropped database ${name}`);
}

/**
 * Looks what dropping a database has left of it when it failed, waiting for a server that is away. One that is still
 * whole accepts connections again, or else the log says what to run. Never throws.
 */
export async function fateOf({ database, log }: DropContext, name: string): Promise<Fate> {
  const look = (signal: AbortSignal) =>
    database.use(database.maintenanceName, signal, async (admin): Promise<Fate> => {
      const found = (await listDatabases(admin)).find((each) => each.name === name);
      if (found === undefined) return 'dropped';
      if (found.invalid) return 'cut off';
      if (!found.connectable) await allowAgain(admin, name, log);
      return 'as it was';
    });
  try {
    return await retryWhileAway(database, `to see what is left of database ${name}`, log, look);
  } catch (error) {
    log.error(`what is left of database ${name} is not known: ${describeCause(error)}`);
    return 'not known';
  }
}

async function allowAgain(admin: pg.Client, name: string, log: Logger): Promise<void> {
  try {
    await allowConnections(admin, name);
  } catch (error) {
    if (isAway(error)) throw error;
    log.error(stillClosed(name, error).message);
  }
}
