import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type pg from 'pg';
import { LockedError } from '../errors.ts';
import { heardByMany } from '../heard-by-many.ts';
import type { Confirm } from '../ui/confirm.ts';
import { formatDuration, formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import { oneRow } from './ask.ts';
import { administer, type Database } from './database.ts';
import { databaseError, errorCode } from './errors.ts';
import { refuseSharedSessions } from './pooler.ts';
import { SQLSTATE } from './sqlstate.ts';
import { type WatchPace, watchConnection } from './watch-connection.ts';

/** For what, by whom and how patiently the lock is taken. */
export interface LockOptions {
  /** What will be done under the lock, for messages: `back up database topobank on localhost:5432`. */
  readonly purpose: string;
  /** How this run appears to another, at most 63 bytes: `topobank-backup backup on web1, process 4711`. */
  readonly holder: string;
  /** How long to wait for another run to end, in milliseconds. */
  readonly waitMs: number;
  readonly log: Logger;
  /** How closely the connection is watched; only tests set it. */
  readonly pace?: WatchPace;
}

/** What an operation needs to ask for confirmation and to lock out other runs meanwhile. */
export interface ConfirmAndLock {
  readonly confirm: Confirm;
  readonly lockFor: (purpose: string) => LockOptions;
}

/**
 * Runs `work` while no other run works on the same database of the same server. The lock is a session-level advisory
 * lock on a connection of its own, so that it ends with this process, however that ends. It is taken in the
 * maintenance database, because each database has locks of its own (manual §13.3.5) and a restore renames the other
 * one.
 *
 * The signal passed to `work` is aborted when `signal` is, and when the lock is lost. After `signal` is aborted, the
 * lock is held until `work` has cleaned up.
 *
 * @throws LockedError that names the run that holds the lock, DatabaseError if it cannot be taken, would not hold
 * because of a pooler, or is lost
 */
export async function withLock<T>(
  database: Database,
  options: LockOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const doing = `cannot ${options.purpose}`;
  const waiting = new AbortController();
  const giveUp = () => waiting.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', giveUp);
  try {
    return await administer(database, waiting.signal, async (client) => {
      const key = lockKey(database.name);
      await refuseSharedSessions(database, client, doing, waiting.signal);
      const session = await acquire(client, key, options);
      signal.removeEventListener('abort', giveUp);
      const watch = watchConnection(client, session, doing, options.pace);
      try {
        return await work(heardByMany(AbortSignal.any([signal, watch.lost])));
      } finally {
        // A pooler may keep the session, and its lock, beyond this connection. A server that does not answer is not
        // waited for.
        if (!watch.lost.aborted) {
          const unlocked = client.query('SELECT pg_advisory_unlock($1)', [key]).catch(() => {});
          await Promise.race([unlocked, once(watch.lost, 'abort')]);
        }
        watch.stop();
      }
    });
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** The key of a database's lock: a signed 64-bit number, as text. */
export function lockKey(database: string): string {
  const digest = createHash('sha256').update(`topobank-backup ${database}`).digest();
  return digest.readBigInt64BE().toString();
}

/** @returns the process id of the server's session that holds the lock */
async function acquire(client: pg.Client, key: string, options: LockOptions): Promise<number> {
  const { purpose, holder, waitMs, log } = options;
  const doing = `cannot ${purpose}`;
  try {
    await client.query("SELECT set_config('application_name', $1, false)", [holder]);
    const first = await oneRow<{ locked: boolean; pid: number }>(
      client,
      'SELECT pg_try_advisory_lock($1) AS locked, pg_backend_pid() AS pid',
      [key],
    );
    if (first.locked) return first.pid;
    const other = await describeHolder(client, key);
    if (waitMs === 0) throw locked(doing, `another run holds the lock: ${other}`);
    log.info(`waiting up to ${formatDuration(waitMs)} for another run to end: ${other}`);
    await waitForLock(client, key, waitMs, doing);
    return first.pid;
  } catch (error) {
    throw databaseError(doing, error);
  }
}

async function waitForLock(client: pg.Client, key: string, waitMs: number, doing: string): Promise<void> {
  await client.query("SELECT set_config('lock_timeout', $1, false)", [String(waitMs)]);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [key]);
  } catch (error) {
    if (errorCode(error) !== SQLSTATE.lockNotAvailable) throw error;
    const other = await describeHolder(client, key);
    throw locked(doing, `after ${formatDuration(waitMs)} another run still holds the lock: ${other}`);
  }
}

/** Who holds the lock, as far as the server says. */
async function describeHolder(client: pg.Client, key: string): Promise<string> {
  const { rows } = await client.query<{
    pid: number;
    name: string | null;
    address: string | null;
    since: Date | null;
  }>(
    `SELECT pid, application_name AS name, host(client_addr) AS address, backend_start AS since
     FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (classid::bigint << 32 | objid::bigint) = $1`,
    [key],
  );
  const [holder] = rows;
  if (holder === undefined) return 'one that has just ended';
  const { pid, name, address, since } = holder;
  const facts = [`PostgreSQL session ${pid} from ${address ?? 'a local socket'}`];
  if (since !== null) facts.push(`connected since ${formatTime(since)}`);
  return `${name || 'unnamed'} (${facts.join(', ')})`;
}

function locked(doing: string, problem: string): LockedError {
  return new LockedError({
    doing,
    problem,
    remedy: 'wait until it has ended, or set LOCK_WAIT (for example 10m) to make runs wait',
  });
}
