import pg from 'pg';
import { settleSession } from '../../postgres/database.ts';
import { type Lanes, spread } from './lanes.ts';

/**
 * Gathers the planner's statistics of every table as ANALYZE does, the largest first. That of a table with partitions
 * goes on to them.
 */
export async function analyzeTables(lanes: Lanes): Promise<void> {
  for (const { client } of lanes.all) {
    // The dump has set the session's encoding, search_path and more.
    await client.query('RESET ALL');
    await settleSession(client);
  }
  const { rows } = await lanes.text.client.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND NOT c.relisshared
     ORDER BY c.relkind = 'p' DESC, c.relpages DESC, c.oid`,
  );
  await spread(
    lanes,
    () => rows.shift(),
    async ({ client }, { schema, name }) => {
      await client.query(`ANALYZE ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`);
    },
  );
}
