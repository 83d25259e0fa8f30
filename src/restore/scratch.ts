import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { describeCause, errorCode } from '../postgres/errors.ts';
import type { CreationOptions } from '../postgres/facts.ts';
import { isAway } from '../postgres/server-away.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import type { Logger } from '../ui/log.ts';
import { uninterrupted } from '../uninterrupted.ts';
import { dropWithSubscriptions } from './drop-with-subscriptions.ts';

/** How long dropping a scratch database may take, a server that is away for a moment included, in milliseconds. */
const CLEAN_UP_MS = 60_000;

/** How often a server that is away is tried, in milliseconds. */
const TRY_AGAIN_MS = 500;

/** Makes a database for a while. */
export async function createScratch(
  database: Database,
  scratch: string,
  creation: CreationOptions,
): Promise<void> {
  // Broken off, it might leave the database behind that it was about to make.
  await database.use(database.maintenanceName, uninterrupted(), (admin) =>
    createDatabase(admin, scratch, creation),
  );
}

/**
 * Drops a database that was made for a while; a server that is away is waited for. When it cannot be dropped, the
 * statement that does is said.
 *
 * @param failure why it is dropped, where something failed
 */
export async function dropScratch(
  database: Database,
  scratch: string,
  log: Logger,
  failure?: unknown,
): Promise<void> {
  try {
    await onceThere(database, scratch, log, async (signal) => {
      if (isDiskFull(failure)) await freeDisk(database, scratch, signal);
      await dropWithSubscriptions(database, scratch, signal);
    });
  } catch (error) {
    log.error(
      `database ${scratch} is left over (${describeCause(error)}); drop it: DROP DATABASE ${pg.escapeIdentifier(scratch)};`,
    );
  }
}

function isDiskFull(failure: unknown): boolean {
  for (let at = failure; at instanceof Error; at = at.cause)
    if (errorCode(at) === SQLSTATE.diskFull) return true;
  return false;
}

/** So many tables, the largest ones, hold most of what a database takes. */
const LARGEST = 20;

/**
 * Gives the disk back most of what a database takes, without dropping it: DROP DATABASE forces a checkpoint, and one that
 * finds no room for its files takes the whole server down. A table's files are cut to nothing as soon as its drop is
 * committed; TRUNCATE and VACUUM would want room for new ones first.
 */
async function freeDisk(database: Database, scratch: string, signal: AbortSignal): Promise<void> {
  await database.use(scratch, signal, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       ORDER BY pg_total_relation_size(c.oid) DESC LIMIT $1`,
      [LARGEST],
    );
    await client.query(`SET lock_timeout = '10s'`);
    // One may have gone along with another.
    for (const { name } of rows) await client.query(`DROP TABLE IF EXISTS ${name} CASCADE`);
  });
}

/** Does the work, again and again for as long as the server is away, within {@link CLEAN_UP_MS}. */
async function onceThere(
  { server }: Database,
  scratch: string,
  log: Logger,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  for (let away: unknown; ; ) {
    try {
      return await work(signal);
    } catch (error) {
      // What the server was away with tells more than that the time was up.
      if (signal.aborted) throw away ?? error;
      if (!isAway(error)) throw error;
      if (away === undefined) {
        log.warn(
          `waiting up to ${CLEAN_UP_MS / 1000} s for the server ${server}, to drop database ${scratch}: ${describeCause(error)}`,
        );
      }
      away = error;
      // The next try meets the end of the time.
      await delay(TRY_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }
}
