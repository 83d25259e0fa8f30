import type pg from 'pg';
import { createDatabase, dropDatabase, failureBefore } from '../../postgres/administration.ts';
import { administer, type Database } from '../../postgres/database.ts';
import { dropByHand } from '../../postgres/database-statements.ts';
import { describeCause, errorCode, sqlState } from '../../postgres/errors.ts';
import type { CreationOptions } from '../../postgres/facts.ts';
import { isAway } from '../../postgres/server-away.ts';
import { endSession, readSession, type Session } from '../../postgres/session.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import { uninterrupted } from '../../uninterrupted.ts';
import { dropWithSubscriptions } from './drop-with-subscriptions.ts';
import { retryWhileAway } from './retry-while-away.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Creates a temporary database, or leaves none, unless the log says so.
 *
 * @throws DatabaseError
 */
export async function createScratch(
  context: ServerContext,
  scratch: string,
  creation: CreationOptions,
): Promise<void> {
  let session: Session | undefined;
  try {
    // If interrupted, this might leave behind the database that it was creating.
    await administer(context.database, uninterrupted(), async (admin) => {
      session = await readSession(admin);
      await createDatabase(admin, scratch, creation);
    });
  } catch (error) {
    // The server may go on without the connection, and the database appear after it was looked for.
    const creating = session;
    if (creating !== undefined && isAway(error))
      await orTellOfRemains(context, scratch, () =>
        retryWhileAway(context, `to drop database ${scratch}`, (server, signal) =>
          administer(server, signal, async (admin) => {
            await endSession(admin, creating, ['CREATE DATABASE %']);
            await dropDatabase(admin, scratch);
          }),
        ),
      );
    throw error;
  }
}

/**
 * Drops a temporary database; if the server is away, waits for it. If the database cannot be dropped, reports the
 * statement to run.
 *
 * @param failure why it is dropped, if something failed
 */
export async function dropScratch(context: ServerContext, scratch: string, failure?: unknown): Promise<void> {
  await orTellOfRemains(context, scratch, () => dropOnceThere(context, scratch, failure));
}

async function orTellOfRemains(
  { log }: ServerContext,
  scratch: string,
  drop: () => Promise<void>,
): Promise<void> {
  try {
    await drop();
  } catch (error) {
    log.error(`database ${scratch} is left over (${describeCause(error)}); drop it: ${dropByHand(scratch)}`);
  }
}

/**
 * The same, for a database that must not be left over.
 *
 * @throws DatabaseError, or what {@link retryWhileAway} throws
 */
export async function dropOnceThere(
  context: ServerContext,
  scratch: string,
  failure?: unknown,
): Promise<void> {
  await retryWhileAway(context, `to drop database ${scratch}`, async (server, signal) => {
    if (isDiskFull(failure)) await freeDisk(server, scratch, signal);
    await dropWithSubscriptions(server, scratch, signal).catch((error: unknown) => {
      throw failureBefore(error);
    });
  });
}

/**
 * Whether a database may hold rows or large objects. Waits for a server that is away; if what there is cannot be seen,
 * it must not be given up for that.
 */
export async function mayHoldRows(context: ServerContext, scratch: string): Promise<boolean> {
  return retryWhileAway(context, `to see what is in database ${scratch}`, (server, signal) =>
    holdsRows(server, scratch, signal),
  ).catch(() => true);
}

/** A table that cannot be read may hold some. */
async function holdsRows(database: Database, scratch: string, signal: AbortSignal): Promise<boolean> {
  return database.use(scratch, signal, async (client) => {
    await client.query('SET row_security = off');
    // Rows that were refused may have left a file, so the size of a table says nothing.
    for (const name of ['pg_largeobject_metadata', ...(await largestTables(client))]) {
      const found = await client.query(`SELECT FROM ${name} LIMIT 1`).catch((error: unknown) => {
        if (sqlState(error) === undefined) throw error;
      });
      if (found?.rowCount !== 0) return true;
    }
    return false;
  });
}

function isDiskFull(failure: unknown): boolean {
  for (let at = failure; at instanceof Error; at = at.cause)
    if (errorCode(at) === SQLSTATE.diskFull) return true;
  return false;
}

/** This many tables, the largest ones, hold most of what a database takes up. */
const LARGEST = 20;

/**
 * The names of tables, quoted; the largest first. Those of extensions are not among them.
 *
 * @param most how many; undefined for all
 */
async function largestTables(client: pg.Client, most?: number): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND NOT EXISTS (
         SELECT FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY pg_total_relation_size(c.oid) DESC LIMIT $1`,
    [most],
  );
  return rows.map(({ name }) => name);
}

/**
 * Frees most of the disk space that a database takes up, without dropping it: DROP DATABASE forces a checkpoint, and
 * a checkpoint that finds no room for its files takes the whole server down. A table's files are truncated to nothing
 * as soon as its drop is committed; TRUNCATE and VACUUM would first need room for new ones.
 */
async function freeDisk(database: Database, scratch: string, signal: AbortSignal): Promise<void> {
  await database.use(scratch, signal, async (client) => {
    const tables = await largestTables(client, LARGEST);
    await client.query(`SET lock_timeout = '10s'`);
    for (const name of tables) {
      // One table may have been dropped along with another, and one that cannot be dropped must not save the rest.
      await client.query(`DROP TABLE IF EXISTS ${name} CASCADE`).catch((error: unknown) => {
        if (isAway(error) || isDiskFull(error)) throw error;
      });
    }
  });
}
