import type { Client } from 'pg';

/**
 * The process id of the server's session that a connection has at the moment; behind a pooler it may be another one
 * in the next transaction (manual, `pg_backend_pid`).
 *
 * @throws the server's error
 */
export async function readSessionPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  if (rows[0] === undefined) throw new Error('the server did not say which session this is');
  return rows[0].pid;
}
