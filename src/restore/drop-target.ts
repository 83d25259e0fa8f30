import type pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { lookUntilGone } from '../look-until-gone.ts';
import {
  allowConnections,
  dropDatabase,
  dropStatement,
  listDatabases,
  stillClosed,
} from '../postgres/administration.ts';
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

/** How long a statement may take to end, in milliseconds. */
const ENDING = { mostMs: 30_000, pauseMs: 50 };

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
    await dropDatabase(admin, name).catch((error: unknown) => {
      // What to run depends on what is left, which a broken connection cannot tell.
      throw isAway(error) && error instanceof DatabaseError && error.cause instanceof DatabaseError
        ? error.cause
        : error;
    });
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
      await endDrop(admin, name);
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

/** The server may go on with a statement whose connection is gone, for example while it waits for a lock. */
async function endDrop(admin: pg.Client, name: string): Promise<void> {
  const terminate = async () => {
    const { rows } = await admin.query<{ pid: number }>(
      `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = $1 AND state = 'active'`,
      [dropStatement(name)],
    );
    return rows;
  };
  await lookUntilGone(terminate, ENDING);
}

async function allowAgain(admin: pg.Client, name: string, log: Logger): Promise<void> {
  try {
    await allowConnections(admin, name);
  } catch (error) {
    if (isAway(error)) throw error;
    log.error(stillClosed(name, error).message);
  }
}
