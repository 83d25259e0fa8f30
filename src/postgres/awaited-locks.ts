import type pg from 'pg';

/** A lock that a session waits for. */
export interface AwaitedLock {
  /** `public.surface`; undefined if the lock is not on a table. */
  readonly relation: string | undefined;
  /** The session that holds it, or is ahead of this one in the queue; 0 for a prepared transaction. */
  readonly pid: number;
  readonly role: string | undefined;
  readonly application: string | undefined;
  /**
   * Whether the server is a standby. Nobody who is connected to it can hold a lock that keeps others from reading:
   * only its recovery does, for a transaction of the primary (manual, "Hot Standby").
   */
  readonly byRecovery: boolean;
}

/**
 * The locks that sessions with this `application_name` wait for, and who blocks them (manual §54.12, pg_locks; §9.26,
 * pg_blocking_pids).
 */
export async function awaitedLocks(client: pg.Client, application: string): Promise<AwaitedLock[]> {
  const { rows } = await client.query<{
    relation: string | null;
    pid: number;
    role: string | null;
    application: string | null;
    byRecovery: boolean;
  }>(
    `SELECT relation::regclass::text AS relation, other AS pid, b.usename AS role, nullif(b.application_name, '') AS application,
       pg_is_in_recovery() AS "byRecovery"
     FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
     CROSS JOIN LATERAL unnest(pg_blocking_pids(l.pid)) AS other LEFT JOIN pg_stat_activity AS b ON b.pid = other
     WHERE NOT l.granted AND a.application_name = $1 ORDER BY other`,
    [application],
  );
  return rows.map(({ relation, pid, role, application: name, byRecovery }) => ({
    relation: relation ?? undefined,
    pid,
    role: role ?? undefined,
    application: name ?? undefined,
    byRecovery,
  }));
}
