import { type Environment, withClient } from './database.ts';

/** Ends the prepared transactions of all databases whose names begin so; with one a database cannot be dropped. */
export async function rollBackPrepared(env: Environment, prefix: string): Promise<void> {
  const prepared = await withClient(env, 'postgres', async (client) => {
    const { rows } = await client.query<{ database: string; gid: string }>(
      'SELECT database, quote_literal(gid) AS gid FROM pg_prepared_xacts WHERE starts_with(database, $1)',
      [prefix],
    );
    return rows;
  });
  for (const { database, gid } of prepared) {
    await withClient(env, database, (client) => client.query(`ROLLBACK PREPARED ${gid}`));
  }
}
