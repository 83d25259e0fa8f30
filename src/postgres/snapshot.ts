import pg, { type Client } from 'pg';

/** A state of the database that other sessions can import (manual §9.27.5, pg_export_snapshot). */
export interface Snapshot {
  readonly id: string;
  /** Write-ahead log position when the snapshot was taken. */
  readonly lsn: string;
  /** When it was taken, ISO 8601 UTC. */
  readonly at: string;
}

/** Begins the transaction that holds the snapshot, which lives until the connection ends. */
export async function exportSnapshot(client: Client): Promise<Snapshot> {
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const { rows } = await client.query<{ id: string; lsn: string; at: Date }>(`
    SELECT pg_export_snapshot() AS id, clock_timestamp() AS at,
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS lsn`);
  const row = rows[0];
  if (row === undefined) throw new Error('the server exported no snapshot');
  return { id: row.id, lsn: row.lsn, at: row.at.toISOString() };
}

/** Begins a transaction that sees what {@link exportSnapshot} saw; that one must still be open. */
export async function joinSnapshot(client: Client, { id }: Snapshot): Promise<void> {
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await client.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(id)}`);
}
