import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import {
  allowConnections,
  inTransaction,
  listDatabases,
  refuseConnections,
  renameDatabase,
  stillClosed,
} from '../../postgres/administration.ts';
import { errorCode, sqlState } from '../../postgres/errors.ts';
import { refusePrepared } from '../../postgres/prepared-transactions.ts';
import { endSession, endSessions, readSession, type Session } from '../../postgres/session.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import type { AsAdmin } from './as-admin.ts';

/** How often the renames are tried, because sessions may slip in while connections are being refused. */
const ATTEMPTS = 3;

/**
 * How long to keep asking the server, after a failed swap, to put the old database back in service, in milliseconds.
 */
const SETTLE_MS = 60_000;

/** What a session of which no answer came may still be at, and would do to the databases later, as patterns of LIKE. */
const OF_SWAP = ['ALTER DATABASE %', 'COMMIT'];

/**
 * SQLSTATE classes of what a server does not stop refusing: a login, a database that is not there, a right (manual,
 * appendix A).
 */
const LASTING = /^(?:28|3D|42)/;

/** The names that take part in a swap. */
export interface SwapNames {
  /** The database that is in service. */
  readonly target: string;
  /** The restored database, which takes that name. */
  readonly scratch: string;
  /** The name under which the old one is kept. */
  readonly kept: string;
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
    } catch (error) {
      if (isLasting(error) || performance.now() > until) throw stillClosed(names.target, cause);
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

function isLasting(error: unknown): boolean {
  return error instanceof Error && (LASTING.test(sqlState(error) ?? '') || isLasting(error.cause));
}

/** The error only says what was being done; the server's code is in its cause. */
export function isInUse(error: unknown): boolean {
  return error instanceof Error && errorCode(error.cause) === SQLSTATE.objectInUse;
}
