import type pg from 'pg';
import { OperatorError, RestoreError } from '../../errors.ts';
import { listDatabases, renameDatabase } from '../../postgres/administration.ts';
import { administer } from '../../postgres/database.ts';
import { renameStatement } from '../../postgres/database-statements.ts';
import { describeCause, sqlState } from '../../postgres/errors.ts';
import { endSessions } from '../../postgres/session.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import type { Logger } from '../../ui/log.ts';
import { type AsAdmin, asAdminOf } from './as-admin.ts';
import { type FoundDatabases, findDatabases } from './find-target.ts';
import {
  type DroppedDatabases,
  disableOld,
  dropOld,
  NO_SUBSCRIPTIONS,
  type OldSubscriptions,
} from './old-databases.ts';
import type { RestoreTarget } from './restore-target.ts';
import { retryWhileAway } from './retry-while-away.ts';
import { dropScratch } from './scratch.ts';
import type { ServerContext } from './server-context.ts';
import { isInUse, type SwapNames, swapDatabases } from './swap.ts';

/** What became of the databases that had the name before. */
export interface Placed extends DroppedDatabases {
  /** Name of the old database, if it was kept. */
  readonly kept: string | undefined;
  /** The subscriptions of the old database, dropped or kept. */
  readonly subscriptions: OldSubscriptions;
}

/**
 * Gives the restored database its name, and keeps or drops the one that had it. Once the checks have passed, nothing
 * is interrupted any longer: the swap takes moments and is done as a whole.
 *
 * @throws DatabaseError if the old database is still in service and the restored one is gone, RestoreError if there
 * is no old one to go back to and the restored one stays
 */
export async function placeScratch(
  context: ServerContext,
  target: RestoreTarget,
  found: FoundDatabases,
  names: SwapNames,
): Promise<Placed> {
  const { target: name, scratch, kept } = names;
  const asAdmin = asAdminOf(context, `put the restored database in place of ${name}`);
  if (target.kind !== 'swap' || found.present === undefined) {
    await retryWhileAway(context, `to rename database ${scratch} to ${name}`, (server, signal) =>
      administer(server, signal, (admin) => renameScratch(admin, scratch, name)),
    ).catch((error: unknown) => {
      throw keptScratch(error, name, scratch);
    });
    // Without an old database to replace, this restore leaves alone what an earlier one has kept.
    return {
      kept: undefined,
      dropped: [],
      notDropped: [],
      unusedSlots: [],
      subscriptions: NO_SUBSCRIPTIONS,
    };
  }
  try {
    await swapDatabases(asAdmin, names);
  } catch (error) {
    await dropScratch(context, scratch);
    throw error;
  }
  context.log.info(`${name} is restored; the old database is now ${kept}`);
  const subscriptions = await disableOld(context, names);
  const dropsReplaced = target.dropOld && (await isStill(asAdmin, kept, found, context.log));
  const outcome = await dropOld(context, dropsReplaced ? [...found.kept, kept] : found.kept);
  return { kept: outcome.dropped.includes(kept) ? undefined : kept, ...outcome, subscriptions };
}

/**
 * Whether the database that was replaced is the one found before the new one was filled, whose drop was agreed to.
 */
async function isStill(asAdmin: AsAdmin, kept: string, found: FoundDatabases, log: Logger): Promise<boolean> {
  let why = `it took the place of database ${found.name} during this restore`;
  try {
    const { present } = await asAdmin((admin) => findDatabases(admin, kept));
    if (present?.oid === found.present?.oid) return true;
  } catch (error) {
    why = describeCause(error);
  }
  log.warn(`${kept} is not dropped: ${why}`);
  return false;
}

/**
 * Renames a database that a pooler may have kept sessions of, from the connections that filled it. It may be renamed
 * already, if the server went away before its answer arrived.
 */
async function renameScratch(admin: pg.Client, scratch: string, name: string): Promise<void> {
  const present = new Set((await listDatabases(admin)).map((each) => each.name));
  if (!present.has(scratch) && present.has(name)) return;
  try {
    await renameDatabase(admin, scratch, name);
  } catch (error) {
    if (!isInUse(error)) throw error;
    await endSessions(admin, scratch);
    await renameDatabase(admin, scratch, name);
  }
}

/** With no old database to go back to, the new one stays. */
function keptScratch(error: unknown, name: string, scratch: string): Error {
  const isTaken = error instanceof OperatorError && sqlState(error.cause) === SQLSTATE.duplicateDatabase;
  const first = isTaken ? `drop or rename the database ${name} that has been created meanwhile, then ` : '';
  return new RestoreError({
    doing: `cannot give the restored database the name ${name}`,
    problem: error instanceof OperatorError ? error.problem : describeCause(error),
    remedy: `it is complete; ${first}run: ${renameStatement(scratch, name)}`,
    cause: error,
  });
}
