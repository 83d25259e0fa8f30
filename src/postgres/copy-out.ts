import pg from 'pg';
import { to } from 'pg-copy-streams';
import type { Database } from './database.ts';
import { readSessionPid } from './session.ts';

/** How long cancelling an unwanted COPY may take, in milliseconds. */
const CANCEL_MS = 10_000;

/**
 * What `COPY … TO STDOUT` sends, as it arrives.
 *
 * A COPY that is not read to its end is cancelled from another connection: pg-copy-streams offers no other way, and a
 * server busy sorting does not notice that its client is gone. After that the connection can only be closed.
 *
 * @param client a connection to the database that nothing else uses meanwhile
 * @throws the server's error
 */
export async function* copyOut(database: Database, client: pg.Client, sql: string): AsyncGenerator<Buffer> {
  const pid = await readSessionPid(client);
  const stream = client.query(to(sql));
  let failure: Error | undefined;
  // When the connection is closed later, the stream fails once more, with nobody reading it.
  stream.on('error', (error: Error) => {
    failure ??= error;
  });
  let running = true;
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    running = false;
  } finally {
    if (running && !(failure instanceof pg.DatabaseError)) await cancel(database, pid, sql);
  }
}

/** Failing to cancel is harmless: the server ends the COPY as soon as it sends to the closed connection. */
async function cancel(database: Database, pid: number, sql: string): Promise<void> {
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
