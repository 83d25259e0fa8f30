import { messageOf } from '../errors.ts';
import { type AwaitedLock, awaitedLocks, describeBlocker } from '../postgres/awaited-locks.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../ui/log.ts';

/** How often to check what pg_dump is waiting for, in milliseconds. */
const LOOK_MS = 5000;

/**
 * Passes a dump on. pg_dump locks every table before it writes anything: until the first bytes arrive, each lock that
 * it waits for is logged once, with its holder.
 *
 * @param application the `application_name` of pg_dump's session
 * @param signal ends the checking; the dump has its own
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
  const enough = new AbortController();
  const either = AbortSignal.any([signal, enough.signal]);
  let isLooking = false;

  async function look(): Promise<void> {
    // On a connection of its own, because the session that holds the snapshot must not fail.
    const locks = await database.use(database.name, either, (client) =>
      awaitedLocks(client, { application }),
    );
    for (const line of locks.map(describeLock)) {
      if (!said.has(line)) log.warn(line);
      said.add(line);
    }
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    look()
      // If the server does not answer, pg_dump itself fails and reports why.
      .catch((error: unknown) => log.debug(`cannot see what pg_dump waits for: ${messageOf(error)}`))
      .finally(() => {
        isLooking = false;
      });
  }, LOOK_MS);
  const stop = () => {
    clearInterval(timer);
    enough.abort(new Error('pg_dump waits no more'));
  };
  try {
    for await (const chunk of dump) {
      if (!enough.signal.aborted) stop();
      yield chunk;
    }
  } finally {
    stop();
  }
}

/** Says in one line which lock it is, who holds it, and how to end that or where to look. */
export function describeLock(lock: AwaitedLock): string {
  const what = lock.relation === undefined ? 'a lock' : `a lock on ${lock.relation}`;
  if (lock.byRecovery)
    return `pg_dump is waiting for ${what}, which the standby holds until it has the end of the transaction that holds it on the primary (see pg_locks there)`;
  const { who, toEnd } = describeBlocker(lock);
  const waiting = `pg_dump is waiting for ${what}, which ${who}`;
  return lock.pid === 0
    ? `${waiting} holds; to end that: ${toEnd}`
    : `${waiting} holds or is queued for; to end that session: ${toEnd}`;
}
