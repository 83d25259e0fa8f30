import type pg from 'pg';
import { formatTime } from '../ui/format.ts';
import { type PreparedTransaction, quoteGid } from './prepared-transactions.ts';

/** A lock that a session waits for, and one of those who hold it or are ahead of this session in the queue. */
export interface AwaitedLock {
  /** `public.surface`; undefined if the lock is not on a table. */
  readonly relation: string | undefined;
  /** The other session; 0 for a prepared transaction, which no session has. */
  readonly pid: number;
  readonly role: string | undefined;
  readonly application: string | undefined;
  /** When its transaction began. */
  readonly begun: Date | undefined;
  /** The prepared transaction, if it is one and can be told from others that have locks of the same thing. */
  readonly prepared: (PreparedTransaction & { readonly database: string }) | undefined;
  /**
   * Whether the server is a standby. Nobody who is connected to it can hold a lock that keeps others from reading:
   * only its recovery does, for a transaction of the primary (manual, "Hot Standby").
   */
  readonly byRecovery: boolean;
}

/**
 * The locks that a session waits for, or those with an `application_name`, and who blocks them (manual §54.12, pg_locks;
 * §9.26, pg_blocking_pids; §13.3, which modes conflict). A prepared transaction is known by the lock that each transaction
 * has of its own id; it may have several locks of the same thing.
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
    gid: string | null;
    owner: string;
    database: string;
    since: Date;
    byRecovery: boolean;
  }>(
    `SELECT DISTINCT l.relation::regclass::text AS relation, other AS pid, b.usename AS role,
       nullif(b.application_name, '') AS application, b.xact_start AS begun,
       p.gid, p.owner, p.database, p.prepared AS since, pg_is_in_recovery() AS "byRecovery"
     FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
     CROSS JOIN LATERAL (SELECT DISTINCT unnest(pg_blocking_pids(l.pid))) AS blocking (other)
     LEFT JOIN pg_stat_activity AS b ON b.pid = other
     LEFT JOIN (pg_locks AS h JOIN pg_locks AS own USING (virtualtransaction)
         JOIN pg_prepared_xacts AS p ON p.transaction = own.transactionid AND own.mode = 'ExclusiveLock')
       ON other = 0 AND h.granted AND h.pid IS NULL
       AND (h.locktype, h.database, h.relation, h.page, h.tuple, h.transactionid, h.classid, h.objid, h.objsubid)
         IS NOT DISTINCT FROM
         (l.locktype, l.database, l.relation, l.page, l.tuple, l.transactionid, l.classid, l.objid, l.objsubid)
       AND ('AccessExclusiveLock' IN (h.mode, l.mode)
         OR 'ExclusiveLock' IN (h.mode, l.mode) AND 'AccessShareLock' NOT IN (h.mode, l.mode))
     WHERE NOT l.granted AND (a.application_name = $1 OR a.pid = $2) ORDER BY pid, since, gid`,
    [application, pid],
  );
  return rows.map(({ gid, owner, database, since, ...row }) => ({
    ...row,
    relation: row.relation ?? undefined,
    role: row.role ?? undefined,
    application: row.application ?? undefined,
    begun: row.begun ?? undefined,
    prepared: gid === null ? undefined : { gid, role: owner, database, since },
  }));
}

/** Who is in the way, as far as the server tells, and what to run to end that. */
export function describeBlocker({ pid, role, application, begun, prepared }: AwaitedLock): {
  readonly who: string;
  readonly toEnd: string;
} {
  if (prepared !== undefined) {
    const { gid, role: owner, database, since } = prepared;
    const literal = quoteGid(gid);
    return {
      who: `the prepared transaction ${gid} of database ${database} (role ${owner}, since ${formatTime(since)})`,
      toEnd: `in database ${database}: ROLLBACK PREPARED ${literal}; or COMMIT PREPARED ${literal};`,
    };
  }
  if (pid === 0) {
    const toEnd = 'ROLLBACK PREPARED or COMMIT PREPARED in its database, see pg_prepared_xacts';
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
