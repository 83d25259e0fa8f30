import type pg from 'pg';
import type { DumpTable } from '../../dump/dump-index.ts';
import { asked, oneRow } from '../../postgres/ask.ts';
import { formatNumber } from '../../ui/format.ts';
import type { Logger } from '../../ui/log.ts';

/** Connections per restore, unless asked otherwise. */
const MOST = 4;

/** A restore of fewer bytes of rows is over before more connections pay off. */
const WORTH_LANES = 8 * 1024 ** 2;

/** What decides how many connections a restore uses. */
export interface JobsChoice {
  /** What the operator asked for, if anything. */
  readonly asked: number | undefined;
  /** Cores of this machine. */
  readonly cores: number;
  /** Connections that the server would still grant. */
  readonly free: number;
  /** Bytes of rows in the dump. */
  readonly bytes: number;
}

/**
 * How many connections to use to restore the rows of these tables to this server. Reports it if the number asked for
 * is not available.
 *
 * @throws DatabaseError
 */
export async function planJobs(
  admin: pg.Client,
  tables: readonly Pick<DumpTable, 'bytes'>[],
  wanted: Pick<JobsChoice, 'asked' | 'cores'>,
  log: Logger,
): Promise<number> {
  const { free, isOfRole } = await asked(
    'cannot count the connections to the server',
    freeConnections(admin),
  );
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  const jobs = chooseJobs({ ...wanted, free, bytes });
  if (wanted.asked !== undefined && jobs < wanted.asked) {
    const whose = isOfRole ? 'the role’s connection limit leaves' : 'the server has';
    const left = formatNumber(Math.max(0, free), 'connection');
    log.warn(`${whose} no more than ${left} free, so --jobs is ${jobs}`);
  }
  return jobs;
}

/** How many connections to use to restore a dump. */
export function chooseJobs({ asked, cores, free, bytes }: JobsChoice): number {
  const most = Math.max(1, free);
  if (asked !== undefined) return Math.min(asked, most);
  return bytes < WORTH_LANES ? 1 : Math.min(MOST, cores, most);
}

/** What {@link freeConnections} finds. */
interface FreeConnections {
  readonly free: number;
  /** Whether the limit is the role's own, not the server's. */
  readonly isOfRole: boolean;
}

/**
 * How many more connections the server grants to this role, not counting those that it reserves. An ordinary role
 * cannot see the backend type of other roles' sessions; of these, every session that has a role is counted, since
 * client sessions have one. A database that is being filled has no limit yet, and a role's limit does not apply to a
 * superuser.
 */
export async function freeConnections(admin: pg.Client): Promise<FreeConnections> {
  const { ofServer, ofRole } = await oneRow<{ ofServer: number; ofRole: number | null }>(
    admin,
    `SELECT
       (current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true), '0')::int
         - count(*))::int AS "ofServer",
       (CASE WHEN min(r.rolconnlimit) >= 0 AND NOT bool_or(r.rolsuper)
         THEN min(r.rolconnlimit) - count(*) FILTER (WHERE a.usename = current_user) END)::int AS "ofRole"
     FROM pg_stat_activity AS a, pg_roles AS r
     WHERE r.rolname = current_user
       AND (a.backend_type = 'client backend' OR a.backend_type IS NULL AND a.usesysid IS NOT NULL)`,
  );
  if (ofRole === null || ofServer <= ofRole) return { free: ofServer, isOfRole: false };
  return { free: ofRole, isOfRole: true };
}
