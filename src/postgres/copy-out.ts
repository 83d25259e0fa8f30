import pg from 'pg';
import { to } from 'pg-copy-streams';
import type { Database } from './database.ts';

/** How long it may take to tell the server that a COPY is no longer wanted, in milliseconds. */
const CANCEL_MS = 10_000;

/**
 * What `COPY … TO STDOUT` sends, as it comes.
 *
 * A COPY that is not read to its end is cancelled from another connection: pg-copy-streams knows no other way, and a
 * server that sorts does not notice that its client is gone. The connection is then good for nothing but to be closed.
 *
 * @param client a connection to the database that nothing else uses meanwhile
 * @throws the server's error
 */
export async function* copyOut(database: Database, client: pg.Client, sql: string): AsyncGenerator<Buffer> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const stream = client.query(to(sql));
  let failure: Error | undefined;
  // A connection that is closed later has the stream fail once more, when nobody reads it.
  stream.on('error', (error: Error) => {
    failure ??= error;
  });
  let running = true;
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    running = false;
  } finally {
    if (running && !(failure instanceof pg.DatabaseError)) await cancel(database, rows[0]?.pid, sql);
  }
}

/** That it cannot be cancelled is no failure: the server ends it as soon as it sends to the closed connection. */
async function cancel(database: Database, pid: number | undefined, sql: string): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_MS);
  await database
    .use(database.name, signal, (other) =>
      other.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
         WHERE pid = $1 AND state = 'active' AND left(query, 200) = left($2, 200)`,
        [pid, sql],
      ),
    )
    .catch(() => {});
}
