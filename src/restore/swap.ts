import type pg from 'pg';
import { RestoreError } from '../errors.ts';
import { allowConnections, dropDatabase, endSessions, renameDatabases } from '../postgres/administration.ts';
import type { Logger } from '../ui/log.ts';

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
 * Puts the restored database in the place of the old one. Connections to the old one are refused and ended, both
 * renames happen in one transaction, then the kept one may be connected to again. When it fails, the old database
 * serves on under its name.
 */
export async function swapDatabases(admin: pg.Client, names: SwapNames, log: Logger): Promise<void> {
  const { target, scratch, kept } = names;
  await allowConnections(admin, target, false);
  try {
    await endSessions(admin, target);
    await endSessions(admin, scratch);
    await renameDatabases(admin, [
      { from: target, to: kept },
      { from: scratch, to: target },
    ]);
  } catch (error) {
    await reopen(admin, target, error);
    throw error;
  }
  await allowConnections(admin, kept, true).catch((error: unknown) => {
    // The restored database serves already; the kept one can be opened by hand.
    log.warn(error instanceof Error ? error.message : String(error));
  });
}

async function reopen(admin: pg.Client, target: string, cause: unknown): Promise<void> {
  try {
    await allowConnections(admin, target, true);
  } catch {
    throw new RestoreError({
      doing: `cannot put the restored database in the place of ${target}`,
      problem: cause instanceof Error ? cause.message : String(cause),
      remedy: `the old database still refuses connections, run: ALTER DATABASE "${target.replaceAll('"', '""')}" ALLOW_CONNECTIONS true;`,
      cause,
    });
  }
}

/** Drops what earlier restores have kept. A failure is said and no more: the restore itself is done. */
export async function dropKept(admin: pg.Client, names: readonly string[], log: Logger): Promise<string[]> {
  const dropped: string[] = [];
  for (const name of names) {
    try {
      await dropDatabase(admin, name);
      dropped.push(name);
    } catch (error) {
      log.warn(`database ${name} was kept: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return dropped;
}
