import pg, { type Client } from 'pg';
import { oneRow } from './ask.ts';

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
  const { id, lsn, at } = await oneRow<{ id: string; lsn: string; at: Date }>(
    client,
    `SELECT pg_export_snapshot() AS id, clock_timestamp() AS at,
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS lsn`,
  );
  return { id, lsn, at: at.toISOString() };
}

/** Begins a transaction that sees what {@link exportSnapshot} saw; that one must still be open. */
export async function joinSnapshot(client: Client, { id }: Snapshot): Promise<void> {
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await client.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(id)}`);
}
