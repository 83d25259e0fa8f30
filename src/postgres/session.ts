import type pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { lookUntilGone } from '../look-until-gone.ts';
import { oneRow } from './ask.ts';
import { databaseError } from './errors.ts';

/** How long terminated sessions may take to end. */
const TERMINATING = { mostMs: 30_000, pauseMs: 50 };

/** A session of the server, which never has two with the same values. */
export interface Session {
  readonly pid: number;
  /** As text, with microseconds. */
  readonly began: string;
}

/** The condition for a row of `pg_stat_activity` to be of the session whose values are `$1` and `$2`. */
const IS_SESSION = 'pid = $1 AND backend_start::text = $2';

/**
 * The process id of the server's session that a connection has at the moment; behind a pooler it may be another one
 * in the next transaction (manual, `pg_backend_pid`).
 *
 * @throws the server's error
 */
export async function readSessionPid(client: pg.Client): Promise<number> {
  return (await oneRow<{ pid: number }>(client, 'SELECT pg_backend_pid() AS pid')).pid;
}

/**
 * The session that a connection has, for when the connection breaks: the server may go on with what it was told last.
 *
 * @throws the server's error
 */
export async function readSession(client: pg.Client): Promise<Session> {
  return oneRow(
    client,
    'SELECT pid, backend_start::text AS began FROM pg_stat_activity WHERE pid = pg_backend_pid()',
  );
}

/**
 * Cancels what a session is doing if it waits for a lock.
 *
 * @throws the server's error
 */
export async function cancelWaiting(client: pg.Client, { pid, began }: Session): Promise<void> {
  await client.query(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE ${IS_SESSION} AND wait_event_type = 'Lock'`,
    [pid, began],
  );
}

/**
 * Waits until a session no longer runs a statement, and ends it if it waits for a lock to do so. A pooler may have given
 * it to somebody else meanwhile, who runs others; where sessions do not tell what they run (track_activities), that
 * cannot be seen.
 *
 * @param pace as for {@link lookUntilGone}
 * @returns whether the statement has ended, as far as can be seen
 * @throws the server's error
 */
export async function endStatement(
  client: pg.Client,
  { pid, began }: Session,
  statement: string,
  pace: { readonly mostMs: number; readonly pauseMs: number },
): Promise<boolean> {
  const left = await lookUntilGone(async () => {
    const { rows } = await client.query<{ state: string }>(
      `SELECT state, CASE WHEN wait_event_type = 'Lock' THEN pg_terminate_backend(pid) END FROM pg_stat_activity
       WHERE ${IS_SESSION} AND pid <> pg_backend_pid()
         AND (query = $3 AND state = 'active' OR state = 'disabled')`,
      [pid, began, statement],
    );
    return rows;
  }, pace);
  return left.every(({ state }) => state === 'disabled');
}

/**
 * Ends a session that still has to do with one of these statements, and waits until it is gone. A pooler may have given
 * it to somebody else meanwhile, who runs others; where sessions do not tell what they run (track_activities), it is
 * left alone.
 *
 * @param statements patterns of LIKE
 * @throws the server's error
 */
export async function endSession(
  client: pg.Client,
  { pid, began }: Session,
  statements: readonly string[],
): Promise<void> {
  await lookUntilGone(async () => {
    const { rows } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE ${IS_SESSION} AND pid <> pg_backend_pid() AND state <> 'idle' AND query LIKE ANY ($3)`,
      [pid, began, statements],
    );
    return rows;
  }, TERMINATING);
}

/**
 * Ends every other session of a database and waits until they are gone.
 *
 * @throws DatabaseError, also if one does not end
 */
export async function endSessions(client: pg.Client, database: string): Promise<void> {
  const doing = `cannot end the connections to database ${database}`;
  try {
    const left = await lookUntilGone(() => terminateAll(client, database), TERMINATING);
    if (left.length === 0) return;
    throw new DatabaseError({
      doing,
      problem: `process ${left.join(', ')} did not end`,
      remedy: 'end it on the database server and run again',
    });
  } catch (error) {
    throw databaseError(doing, error);
  }
}

/**
 * Tells the other sessions of a database to end. Autovacuum workers, which have no role, may not be ended by everyone,
 * and give way to a rename or drop by themselves.
 *
 * @returns the processes of those that were still there
 */
async function terminateAll(client: pg.Client, database: string): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = $1 AND pid <> pg_backend_pid() AND usesysid IS NOT NULL`,
    [database],
  );
  return rows.map(({ pid }) => pid);
}
