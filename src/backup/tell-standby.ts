import type { Client } from 'pg';
import { describeStandby, readStandby, unloggedTables } from '../postgres/standby.ts';
import { formatFirst } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';

/** How many tables to name. */
const NAMED = 10;

/**
 * Warns of what a backup lacks because the server is a standby.
 *
 * @throws the server's error
 */
export async function tellStandby(client: Client, log: Logger): Promise<void> {
  const standby = await readStandby(client);
  if (standby === undefined) return;
  if (standby.isBehind) log.warn(`${describeStandby(standby)}: the backup may lack later ones`);
  const unlogged = await unloggedTables(client);
  if (unlogged.length === 0) return;
  log.warn(
    `the server is a standby, so the backup lacks the rows of unlogged tables: ${formatFirst(unlogged, NAMED)}`,
  );
}
