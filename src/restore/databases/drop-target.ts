import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import {
  allowConnections,
  dropDatabase,
  dropStatement,
  failureBefore,
  listDatabases,
  stillClosed,
} from '../../postgres/administration.ts';
import { administer, type Database } from '../../postgres/database.ts';
import { describeCause } from '../../postgres/errors.ts';
import { isAway } from '../../postgres/server-away.ts';
import { cancelWaiting, endStatement, readSession, type Session } from '../../postgres/session.ts';
import type { Logger } from '../../ui/log.ts';
import { uninterrupted } from '../../uninterrupted.ts';
import { explainWait } from './blockers.ts';
import { type FoundDatabases, findDatabases } from './find-target.ts';
import { retryWhileAway } from './retry-while-away.ts';
import type { ServerContext } from './server-context.ts';
import { SLOW_MS, tellingSlow } from './telling-slow.ts';

/** What has become of the database that a restore in place drops. */
export type Fate =
  | 'as it was'
  | 'dropped'
  /** It is neither there nor gone: all that can be done is drop it again. */
  | 'cut off'
  /** The server has not come back to be asked, or is still at it. */
  | 'not known';

/** How long a statement may take to end, in milliseconds: a drop forces a checkpoint. */
const ENDING = { mostMs: 10 * 60_000, pauseMs: 50 };

/** The drop of the database that a restore in place replaces. */
interface TargetDrop {
  /**
   * Drops it, unless the signal is aborted before the server has begun to: while it waits for sessions to end, or for
   * a lock.
   *
   * @param checkStill throws if what is there now is not what it was agreed to drop
   * @throws what `checkStill` throws, DatabaseError, or the signal's reason; {@link fate} then tells what there is
   */
  run(checkStill: (there: FoundDatabases) => void, signal: AbortSignal): Promise<void>;
  /**
   * Looks what is left of it after a failure, waiting for a server that is away. A database that is still whole accepts
   * connections again, or else the log says what to run. Never throws.
   */
  fate(): Promise<Fate>;
}

/**
 * Nothing is dropped before `run` is called.
 *
 * @param slowMs after how long people are told who is in the way; only tests set it
 */
export function targetDrop(context: ServerContext, name: string, slowMs = SLOW_MS): TargetDrop {
  const { database, log } = context;
  let session: Session | undefined;
  let isDone = false;

  async function look(server: Database, signal: AbortSignal): Promise<Fate> {
    return administer(server, signal, async (admin) => {
      // The server may go on with a drop whose connection is gone. One that waits for a lock is ended; any other is
      // waited for, because servers from before 15.4 and its like leave a database without its files, but with its
      // name, if a drop is ended half-way.
      if (session !== undefined && !(await endStatement(admin, session, dropStatement(name), ENDING)))
        return 'not known';
      const found = (await listDatabases(admin)).find((each) => each.name === name);
      if (found === undefined) return 'dropped';
      if (found.invalid) return 'cut off';
      if (!found.connectable) await allowAgain(admin, name, log);
      return 'as it was';
    });
  }

  return {
    async run(checkStill, signal) {
      await administer(database, uninterrupted(), async (admin) => {
        checkStill(await findDatabases(admin, name));
        const own = await readSession(admin);
        session = own;
        const drop = () => dropDatabase(admin, name, () => signal.throwIfAborted());
        await tellingSlow(
          context,
          `to drop database ${name}`,
          () => untilAborted(drop(), own, database, signal),
          { slowMs, explain: () => explainWait(database, own.pid) },
        ).catch((error: unknown) => {
          throw failureBefore(error);
        });
      });
      isDone = true;
      log.info(`dropped database ${name}`);
    },
    async fate() {
      if (isDone) return 'dropped';
      if (session === undefined) return 'as it was';
      try {
        return await retryWhileAway(context, `to see what is left of database ${name}`, look);
      } catch (error) {
        log.error(`what is left of database ${name} is not known: ${describeCause(error)}`);
        return 'not known';
      }
    },
  };
}

/**
 * Waits for the drop. Once the signal is aborted, a drop that waits for a lock is cancelled, because it may wait for
 * hours and nothing is lost yet.
 */
async function untilAborted(
  drop: Promise<void>,
  session: Session,
  database: Database,
  signal: AbortSignal,
): Promise<void> {
  let isOver = false;
  const cancel = () =>
    administer(database, uninterrupted(), async (admin) => {
      for (; !isOver; await delay(ENDING.pauseMs)) await cancelWaiting(admin, session);
    });
  let cancelled: Promise<void> | undefined;
  const onAbort = () => {
    // If this fails, the drop is only waited for.
    cancelled = cancel().catch(() => {});
  };
  signal.addEventListener('abort', onAbort);
  try {
    await drop;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    isOver = true;
    signal.removeEventListener('abort', onAbort);
    await cancelled;
  }
}

async function allowAgain(admin: pg.Client, name: string, log: Logger): Promise<void> {
  try {
    await allowConnections(admin, name);
  } catch (error) {
    if (isAway(error)) throw error;
    log.error(stillClosed(name, error).message);
  }
}
