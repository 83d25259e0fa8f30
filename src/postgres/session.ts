import type pg from 'pg';
import { lookUntilGone } from '../look-until-gone.ts';

/** How long a terminated session may take to end. */
const TERMINATING = { mostMs: 30_000, pauseMs: 50 };

/** A session of the server, which never has two with the same values. */
export interface Session {
  readonly pid: number;
  /** As text, with microseconds. */
  readonly began: string;
}

/**
 * The session that a connection has, for when the connection breaks: the server may go on with what it was told last.
 *
 * @throws the server's error
 */
export async function readSession(client: pg.Client): Promise<Session> {
  const { rows } = await client.query<Session>(
    `SELECT pid, backend_start::text AS began FROM pg_stat_activity WHERE pid = pg_backend_pid()`,
  );
  return rows[0] ?? { pid: 0, began: '' };
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
       WHERE pid = $1 AND backend_start::text = $2 AND pid <> pg_backend_pid()
         AND state <> 'idle' AND query LIKE ANY ($3)`,
      [pid, began, statements],
    );
    return rows;
  }, TERMINATING);
}
