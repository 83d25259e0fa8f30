import type { Client } from 'pg';
import { ConfigError } from '../errors.ts';
import { formatTime } from '../ui/format.ts';

/** A server that repeats the changes of a primary and takes none of its own (manual §27.4, "Hot Standby"). */
interface Standby {
  /** When the last transaction that it has was committed; null if it has repeated none since it started. */
  readonly upTo: Date | null;
  /** Whether it may lack changes that the primary made more than a minute ago. */
  readonly isBehind: boolean;
}

/**
 * How far a standby has come; undefined for a primary.
 *
 * @throws the server's error
 */
export async function readStandby(client: Client): Promise<Standby | undefined> {
  const { rows } = await client.query<Standby>(
    `SELECT pg_last_xact_replay_timestamp() AS "upTo",
       NOT EXISTS (SELECT FROM pg_stat_wal_receiver)
         OR pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
           AND coalesce(clock_timestamp() - pg_last_xact_replay_timestamp() > interval '1 minute', true) AS "isBehind"
     WHERE pg_is_in_recovery()`,
  );
  return rows[0];
}

/** In a clause: `the server is a standby, which has the changes up to 2026-11-23 10:30 UTC`. */
export function describeStandby({ upTo }: Standby): string {
  const changes =
    upTo === null ? 'has no newer changes than its start' : `has the changes up to ${formatTime(upTo)}`;
  return `the server is a standby, which ${changes}`;
}

/**
 * For what only a primary can do.
 *
 * @throws ConfigError if the server is a standby, or the server's error
 */
export async function refuseStandby(client: Client, doing: string): Promise<void> {
  const standby = await readStandby(client);
  if (standby === undefined) return;
  throw new ConfigError({
    doing,
    problem: describeStandby(standby),
    remedy: 'set POSTGRES_HOST to the primary',
  });
}

/**
 * Tables whose rows a standby does not have, quoted, with their schemas, because they are not written to the
 * write-ahead log (manual, CREATE TABLE, UNLOGGED); `pg_dump` leaves them out without a word.
 */
export async function unloggedTables(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
