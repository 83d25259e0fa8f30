import pg from 'pg';
import {
  createDatabase,
  dropDatabase,
  dropSubscriptions,
  subscriptionsOf,
} from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { describeCause } from '../postgres/errors.ts';
import type { CreationOptions } from '../postgres/facts.ts';
import type { Logger } from '../ui/log.ts';
import { uninterrupted } from '../uninterrupted.ts';

/** How long dropping a scratch database may take, in milliseconds. */
const CLEAN_UP_MS = 60_000;

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

/** Drops a database that was made for a while. When it cannot be dropped, the statement that does is said. */
export async function dropScratch(database: Database, scratch: string, log: Logger): Promise<void> {
  try {
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    await database.use(database.maintenanceName, signal, async (admin) => {
      const subscriptions = await subscriptionsOf(admin, scratch);
      if (subscriptions.length > 0) {
        await database.use(scratch, signal, (client) => dropSubscriptions(client, subscriptions));
      }
      await dropDatabase(admin, scratch);
    });
  } catch (error) {
    log.error(
      `database ${scratch} is left over (${describeCause(error)}); drop it: DROP DATABASE ${pg.escapeIdentifier(scratch)};`,
    );
  }
}
