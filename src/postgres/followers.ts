import type { Client } from 'pg';

/** Who follows a database from other servers, and goes on with it under its new name once it is renamed. */
export interface Followers {
  /** Logical replication slots of subscribers; they belong to the database and are dropped with it. */
  readonly slots: readonly string[];
  /** The `application_name` of connected standbys, whose own sessions nothing on this server ends. */
  readonly standbys: readonly string[];
}

/** @throws the server's error */
export async function followersOf(client: Client, database: string): Promise<Followers> {
  const { rows } = await client.query<{ slot: string }>(
    'SELECT slot_name AS slot FROM pg_replication_slots WHERE database = $1 ORDER BY slot_name',
    [database],
  );
  // A sender of logical changes is in a database, one of the whole log is in none.
  const { rows: standbys } = await client.query<{ name: string }>(
    `SELECT DISTINCT application_name AS name FROM pg_stat_replication
     JOIN pg_stat_activity AS activity USING (pid, application_name)
     WHERE activity.datid IS NULL AND application_name NOT IN ('pg_basebackup', 'pg_receivewal') ORDER BY 1`,
  );
  return { slots: rows.map(({ slot }) => slot), standbys: standbys.map(({ name }) => name) };
}
