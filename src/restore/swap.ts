import type pg from 'pg';
import {
  allowConnections,
  dropDatabase,
  endSessions,
  inTransaction,
  renameDatabase,
  withoutSessions,
} from '../postgres/administration.ts';
import { describeCause, errorCode } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';

/** How often the renames are tried against sessions that slip in while connections are being refused. */
const ATTEMPTS = 3;

/** The names that take part in a swap. */
export interface SwapNames {
  /** The database that serves. */
  readonly target: string;
  /** The restored one that takes its name. */
  readonly scratch: string;
  /** The name under which the old one is kept. */
  readonly kept: string;
}

/**
 * Puts the restored database in the place of the old one. Connections to the old one are refused and ended; then one
 * transaction renames both and allows connections again. When it fails, the old database serves on under its name.
 */
export async function swapDatabases(admin: pg.Client, names: SwapNames): Promise<void> {
  const { target, scratch, kept } = names;
  await withoutSessions(admin, target, async () => {
    for (let attempt = 1; ; attempt++) {
      await endSessions(admin, target);
      await endSessions(admin, scratch);
      try {
        await inTransaction(admin, async () => {
          await renameDatabase(admin, target, kept);
          await renameDatabase(admin, scratch, target);
          await allowConnections(admin, kept, true);
        });
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || !isInUse(error)) throw error;
      }
    }
  });
}

/** SQLSTATE object_in_use, under the error that says what was being done. */
function isInUse(error: unknown): boolean {
  return error instanceof Error && errorCode(error.cause) === '55006';
}

/** Drops what earlier restores have kept. A failure is said and no more: the restore itself is done. */
export async function dropKept(admin: pg.Client, names: readonly string[], log: Logger): Promise<string[]> {
  const dropped: string[] = [];
  for (const name of names) {
    try {
      await dropDatabase(admin, name);
      dropped.push(name);
    } catch (error) {
      log.warn(`database ${name} was kept: ${describeCause(error)}`);
    }
  }
  return dropped;
}
