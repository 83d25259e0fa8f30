import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { DatabaseError } from '../../errors.ts';
import {
  allowConnections,
  inTransaction,
  listDatabases,
  refuseConnections,
  renameDatabase,
  stillClosed,
} from '../../postgres/administration.ts';
import { type AwaitedLock, awaitedLocks, describeBlocker } from '../../postgres/awaited-locks.ts';
import type { Database } from '../../postgres/database.ts';
import { errorCode } from '../../postgres/errors.ts';
import { refusePrepared } from '../../postgres/prepared-transactions.ts';
import {
  endSession,
  endSessions,
  readSession,
  readSessionPid,
  type Session,
} from '../../postgres/session.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import { formatDuration } from '../../ui/format.ts';
import type { Logger } from '../../ui/log.ts';
import { tellingSlow } from './telling-slow.ts';

/** How often the renames are tried, because sessions may slip in while connections are being refused. */
const ATTEMPTS = 3;

/**
 * How long to keep asking the server, after a failed swap, to put the old database back in service, in milliseconds.
 */
const SETTLE_MS = 60_000;

/** What a session of which no answer came may still be at, and would do to the databases later, as patterns of LIKE. */
const OF_SWAP = ['ALTER DATABASE %', 'COMMIT'];

/** The names that take part in a swap. */
export interface SwapNames {
  /** The database that is in service. */
  readonly target: string;
  /** The restored database, which takes that name. */
  readonly scratch: string;
  /** The name under which the old one is kept. */
  readonly kept: string;
}

/** Runs work over its own connection to the maintenance database. */
export type AsAdmin = <T>(work: (admin: pg.Client) => Promise<T>) => Promise<T>;

/**
 * How long the server may take for one round of a swap, in milliseconds. Nobody can connect meanwhile, so a connection
 * that is dead without either side noticing must not be waited for; but longer than the server needs to give up the
 * session of such a connection, whose renames keep others from the databases.
 */
const ANSWER_MS = 3 * 60_000;

/** How long finding out who is in the way may take, in milliseconds. */
const LOOK_MS = 10_000;

/**
 * No signal ends what is run this way, because the swap takes moments and is done as a whole; but a server that does
 * not answer does.
 *
 * @param purpose for messages: `put the restored database in place of topobank`
 * @param answerMs only tests set it
 */
export function asAdminOf(
  { database, log }: { readonly database: Database; readonly log: Logger },
  purpose: string,
  answerMs = ANSWER_MS,
): AsAdmin {
  return async (work) => {
    const limit = AbortSignal.timeout(answerMs);
    let pid: number | undefined;
    try {
      return await tellingSlow(database, `to ${purpose}`, log, () =>
        database.use(database.maintenanceName, limit, async (admin) => {
          pid = await readSessionPid(admin);
          return work(admin);
        }),
      );
    } catch (error) {
      if (!limit.aborted) throw error;
      const blockers = pid === undefined ? [] : await findBlockers(database, pid);
      const silent = `${database.server} gave no answer within ${formatDuration(answerMs)}`;
      const advice = adviceOn(blockers);
      throw new DatabaseError({
        doing: `cannot ${purpose}`,
        problem: advice === undefined ? silent : `${silent}, because ${advice.problem}`,
        remedy: `${advice?.remedy ?? 'check the network, the server’s log and pg_locks,'} and run again`,
        cause: error,
      });
    }
  };
}

/** Who keeps a session waiting that has been given up; the server goes on waiting, without noticing. */
async function findBlockers(database: Database, pid: number): Promise<AwaitedLock[]> {
  try {
    return await database.use(database.maintenanceName, AbortSignal.timeout(LOOK_MS), (admin) =>
      awaitedLocks(admin, { pid }),
    );
  } catch {
    return [];
  }
}

/** Of several, one may wait for another itself, such as what is left of a restore that was killed; all have to end. */
function adviceOn(
  blockers: readonly AwaitedLock[],
): { readonly problem: string; readonly remedy: string } | undefined {
  const described = blockers.map(describeBlocker);
  if (described.length === 0) return undefined;
  const [are, them] = described.length === 1 ? ['is', 'it'] : ['are', 'them'];
  return {
    problem: `${described.map(({ who }) => who).join(' and ')} ${are} in the way`,
    remedy: `end ${them} (${described.map(({ toEnd }) => toEnd).join(' ')})`,
  };
}

/**
 * Puts the restored database in place of the old one. Connections to both are refused and ended; then one transaction
 * renames both and allows connections again. If that fails, the old database stays in service under its name.
 *
 * @throws DatabaseError, which names the statement to run if the old database could not be reopened
 */
export async function swapDatabases(asAdmin: AsAdmin, names: SwapNames): Promise<void> {
  let session: Session | undefined;
  try {
    await asAdmin(async (admin) => {
      session = await readSession(admin);
      await renameBoth(admin, names);
    });
  } catch (error) {
    // The connection itself may be what broke, and the answer to a COMMIT lost with it.
    if (!(await settle(asAdmin, names, session, error))) throw error;
  }
}

async function renameBoth(admin: pg.Client, { target, scratch, kept }: SwapNames): Promise<void> {
  // Sessions should not be ended for a swap that cannot be made.
  await refusePrepared(admin, target, `cannot rename database ${target} to ${kept}`);
  // In this order: both being closed tells the next run that this one was killed (reopenAfterKill).
  await refuseConnections(admin, scratch);
  await refuseConnections(admin, target);
  for (let attempt = 1; ; attempt++) {
    await endSessions(admin, target);
    await endSessions(admin, scratch);
    try {
      await inTransaction(admin, async () => {
        await renameDatabase(admin, target, kept);
        await renameDatabase(admin, scratch, target);
        await allowConnections(admin, target);
        await allowConnections(admin, kept);
      });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isInUse(error)) throw error;
    }
  }
}

/**
 * Makes the database that has the target's name after a failed swap accept connections, whichever of the two it is.
 *
 * @param session the one that was to swap them, which the server may not know to be without a client
 * @returns whether the swap was done after all
 */
async function settle(
  asAdmin: AsAdmin,
  names: SwapNames,
  session: Session | undefined,
  cause: unknown,
): Promise<boolean> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    try {
      return await asAdmin(async (admin) => {
        // Waiting for a lock, it would refuse connections once it gets it, long after this.
        if (session !== undefined) await endSession(admin, session, OF_SWAP);
        return reopen(admin, names);
      });
    } catch {
      if (performance.now() > until) throw stillClosed(names.target, cause);
      await delay(500);
    }
  }
}

async function reopen(admin: pg.Client, { target, scratch, kept }: SwapNames): Promise<boolean> {
  const isOpen = async () =>
    (await listDatabases(admin)).some(({ name, connectable }) => name === target && connectable);
  // Renames still in progress on the server lock the row of pg_database, so this waits until they end.
  if (!(await isOpen())) await allowConnections(admin, target);
  const present = new Set((await listDatabases(admin)).map(({ name }) => name));
  // What is left of a failed restore may have to be dropped from inside the database.
  if (present.has(scratch)) await allowConnections(admin, scratch);
  return present.has(kept) && !present.has(scratch);
}

/** The error only says what was being done; the server's code is in its cause. */
export function isInUse(error: unknown): boolean {
  return error instanceof Error && errorCode(error.cause) === SQLSTATE.objectInUse;
}
