import { type AwaitedLock, awaitedLocks } from '../postgres/blocked.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../ui/log.ts';

/** How often it is looked what pg_dump waits for, in milliseconds. */
const LOOK_MS = 5000;

/**
 * Passes a dump on. pg_dump locks every table before it writes anything: for as long as nothing comes, the log says for
 * whom it waits, once of each.
 *
 * @param application the `application_name` of pg_dump's session
 * @param signal ends the looking; the dump has its own
 */
export async function* tellWaiting(
  dump: AsyncIterable<Buffer>,
  {
    database,
    application,
    log,
  }: { readonly database: Database; readonly application: string; readonly log: Logger },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const said = new Set<string>();
  const look = async () => {
    // The session that holds the snapshot must not fail.
    const locks = await database.use(database.name, signal, (client) => awaitedLocks(client, application));
    for (const lock of locks) {
      const line = describe(lock);
      if (!said.has(line)) log.warn(line);
      said.add(line);
    }
  };
  // Where the server does not answer, pg_dump itself fails, and tells why.
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
  try {
    for await (const chunk of dump) {
      clearInterval(timer);
      yield chunk;
    }
  } finally {
    clearInterval(timer);
  }
}

function describe({ relation, pid, role, application }: AwaitedLock): string {
  const what = relation === undefined ? 'a lock' : `a lock on ${relation}`;
  if (pid === 0)
    return `pg_dump waits for ${what}, which a prepared transaction holds (see pg_prepared_xacts)`;
  const who = [application, role === undefined ? undefined : `role ${role}`].filter(
    (part) => part !== undefined,
  );
  return (
    `pg_dump waits for ${what}, which session ${pid} (${who.join(', ')}) holds or stands in line for; ` +
    `to end that one: SELECT pg_terminate_backend(${pid});`
  );
}
