import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import {
  allowConnections,
  endSessions,
  inTransaction,
  listDatabases,
  renameDatabase,
  stillClosed,
} from '../postgres/administration.ts';
import { errorCode } from '../postgres/errors.ts';
import { refusePrepared } from '../postgres/prepared-transactions.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';

/** How often the renames are tried against sessions that slip in while connections are being refused. */
const ATTEMPTS = 3;

/** How long the server is asked, after a swap that failed, to have the old database serve again, in milliseconds. */
const SETTLE_MS = 60_000;

/** The names that take part in a swap. */
export interface SwapNames {
  /** The database that serves. */
  readonly target: string;
  /** The restored one that takes its name. */
  readonly scratch: string;
  /** The name under which the old one is kept. */
  readonly kept: string;
}

/** Runs work over a connection of its own to the maintenance database. */
export type AsAdmin = <T>(work: (admin: pg.Client) => Promise<T>) => Promise<T>;

/**
 * Puts the restored database in the place of the old one. Connections to both are refused and ended; then one
 * transaction renames both and allows connections again. When it fails, the old database serves on under its name.
 *
 * @throws DatabaseError, which names the statement to run where the old database could not be opened again
 */
export async function swapDatabases(asAdmin: AsAdmin, names: SwapNames): Promise<void> {
  try {
    await asAdmin((admin) => renameBoth(admin, names));
  } catch (error) {
    // The connection itself may be what broke, and with it the answer of a COMMIT.
    if (!(await settle(asAdmin, names, error))) throw error;
  }
}

async function renameBoth(admin: pg.Client, { target, scratch, kept }: SwapNames): Promise<void> {
  // Of sessions that would be ended for a swap that cannot be made, an application has nothing.
  await refusePrepared(admin, target, `cannot rename database ${target} to ${kept}`);
  // In this order: both closed is what tells the next run that this one was killed (reopenAfterKill).
  await allowConnections(admin, scratch, false);
  await allowConnections(admin, target, false);
  for (let attempt = 1; ; attempt++) {
    await endSessions(admin, target);
    await endSessions(admin, scratch);
    try {
      await inTransaction(admin, async () => {
        await renameDatabase(admin, target, kept);
        await renameDatabase(admin, scratch, target);
        await allowConnections(admin, target, true);
        await allowConnections(admin, kept, true);
      });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isInUse(error)) throw error;
    }
  }
}

/**
 * Has the database of the target's name accept connections, whichever it is after a swap that failed.
 *
 * @returns whether the swap was done after all
 */
async function settle(asAdmin: AsAdmin, names: SwapNames, cause: unknown): Promise<boolean> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    try {
      return await asAdmin((admin) => reopen(admin, names));
    } catch {
      if (performance.now() > until) throw stillClosed(names.target, cause);
      await delay(500);
    }
  }
}

async function reopen(admin: pg.Client, { target, scratch, kept }: SwapNames): Promise<boolean> {
  const isOpen = async () =>
    (await listDatabases(admin)).some(({ name, connectable }) => name === target && connectable);
  // Renames that are still under way on the server hold the row of pg_database, and this waits for their end.
  if (!(await isOpen())) await allowConnections(admin, target, true);
  const present = new Set((await listDatabases(admin)).map(({ name }) => name));
  // What a failed restore leaves in it may have to be dropped from within.
  if (present.has(scratch)) await allowConnections(admin, scratch, true);
  return present.has(kept) && !present.has(scratch);
}

/** The code is that of the server's error, under the one that says what was being done. */
function isInUse(error: unknown): boolean {
  return error instanceof Error && errorCode(error.cause) === SQLSTATE.objectInUse;
}
