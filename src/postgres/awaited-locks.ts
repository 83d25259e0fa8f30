import type pg from 'pg';
import { formatTime } from '../ui/format.ts';

/** A lock that a session waits for. */
export interface AwaitedLock {
  /** `public.surface`; undefined if the lock is not on a table. */
  readonly relation: string | undefined;
  /** The session that holds it, or is ahead of this one in the queue; 0 for a prepared transaction. */
  readonly pid: number;
  readonly role: string | undefined;
  readonly application: string | undefined;
  /** When its transaction began. */
  readonly begun: Date | undefined;
  /**
   * Whether the server is a standby. Nobody who is connected to it can hold a lock that keeps others from reading:
   * only its recovery does, for a transaction of the primary (manual, "Hot Standby").
   */
  readonly byRecovery: boolean;
}

/**
 * The locks that a session waits for, or those with an `application_name`, and who blocks them (manual §54.12, pg_locks;
 * §9.26, pg_blocking_pids).
 */
export async function awaitedLocks(
  client: pg.Client,
  waiting: { readonly application: string } | { readonly pid: number },
): Promise<AwaitedLock[]> {
  const { application, pid } = { application: null, pid: null, ...waiting };
  const { rows } = await client.query<{
    relation: string | null;
    pid: number;
    role: string | null;
    application: string | null;
    begun: Date | null;
    byRecovery: boolean;
  }>(
    `SELECT relation::regclass::text AS relation, other AS pid, b.usename AS role, nullif(b.application_name, '') AS application,
       b.xact_start AS begun, pg_is_in_recovery() AS "byRecovery"
     FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
     CROSS JOIN LATERAL unnest(pg_blocking_pids(l.pid)) AS other LEFT JOIN pg_stat_activity AS b ON b.pid = other
     WHERE NOT l.granted AND (a.application_name = $1 OR a.pid = $2) ORDER BY other`,
    [application, pid],
  );
  return rows.map((row) => ({
    ...row,
    relation: row.relation ?? undefined,
    role: row.role ?? undefined,
    application: row.application ?? undefined,
    begun: row.begun ?? undefined,
  }));
}

/** Who is in the way, as far as the server tells, and the statement that ends that. */
export function describeBlocker({ pid, role, application, begun }: AwaitedLock): {
  readonly who: string;
  readonly toEnd: string;
} {
  if (pid === 0) {
    const toEnd = 'ROLLBACK PREPARED or COMMIT PREPARED in its database, see pg_prepared_xacts;';
    return { who: 'a prepared transaction', toEnd };
  }
  const facts = [
    application,
    role && `role ${role}`,
    begun && `in a transaction since ${formatTime(begun)}`,
  ].filter((fact) => fact !== undefined);
  return {
    who: facts.length === 0 ? `session ${pid}` : `session ${pid} (${facts.join(', ')})`,
    toEnd: `SELECT pg_terminate_backend(${pid});`,
  };
}
