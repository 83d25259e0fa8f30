import pg from 'pg';
import { dropDatabase } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { describeCause } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';

/** How long dropping a scratch database may take, in milliseconds. */
const CLEAN_UP_MS = 60_000;

/** Drops a database that was made for a while. When it cannot be dropped, the statement that does is said. */
export async function dropScratch(database: Database, scratch: string, log: Logger): Promise<void> {
  try {
    await database.use(database.maintenanceName, AbortSignal.timeout(CLEAN_UP_MS), (admin) =>
      dropDatabase(admin, scratch),
    );
  } catch (error) {
    log.error(
      `database ${scratch} is left over (${describeCause(error)}); drop it: DROP DATABASE ${pg.escapeIdentifier(scratch)};`,
    );
  }
}
