import pg from 'pg';
import { execute } from '../postgres/ask.ts';
import { databaseError, describeCause, errorCode } from '../postgres/errors.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import type { Logger } from '../ui/log.ts';
import { setDefaultEventTriggers } from './load/event-triggers.ts';
import type { RestorePlan } from './plan-restore.ts';

/** A database that is being filled under another name than it will have. */
interface Scratch {
  readonly scratch: string;
  readonly log: Logger;
}

/**
 * Gives the new database what it needs before it is filled: settings that rows may depend on, its owner, and no event
 * triggers at logins.
 *
 * @param admin a connection to the maintenance database
 * @throws DatabaseError
 */
export async function prepareScratch(admin: pg.Client, plan: RestorePlan, into: Scratch): Promise<void> {
  await applySettings(admin, plan.traits.before, plan, into);
  await applyOwnership(admin, plan.ownership.before);
  await setDefaultEventTriggers(admin, into.scratch, 'off');
}

/**
 * Gives it the rest once it is filled.
 *
 * @param admin a connection to the maintenance database
 * @throws DatabaseError
 */
export async function finishScratch(admin: pg.Client, plan: RestorePlan, into: Scratch): Promise<void> {
  await setDefaultEventTriggers(admin, into.scratch, 'on');
  await applySettings(admin, plan.traits.after, plan, into);
  await applyOwnership(admin, plan.ownership.after);
}

/**
 * Runs statements that set something. A setting that this server does not know or accept, or that this role may not
 * set, is skipped: only the setting is lost, the restored rows are all there.
 */
async function applySettings(
  admin: pg.Client,
  statements: readonly string[],
  { name }: RestorePlan,
  { scratch, log }: Scratch,
): Promise<void> {
  // By the time anybody runs the statement, the database has its final name.
  const later = (statement: string) =>
    statement.replace(pg.escapeIdentifier(scratch), () => pg.escapeIdentifier(name));
  for (const statement of statements) {
    try {
      await admin.query(statement);
    } catch (error) {
      switch (errorCode(error)) {
        case SQLSTATE.undefinedObject:
          log.warn(`this server does not know a setting of the database; skipped: ${later(statement)}`);
          break;
        // For example lc_messages with a locale that this machine does not have.
        case SQLSTATE.invalidParameterValue:
          log.warn(
            `${describeCause(error)}; skipped, set it to a value that this server accepts: ${later(statement)}`,
          );
          break;
        case SQLSTATE.insufficientPrivilege:
          log.warn(
            `${describeCause(error)}; skipped, run it as a superuser after the restore: ${later(statement)}`,
          );
          break;
        default:
          throw databaseError(`cannot run ${statement}`, error);
      }
    }
  }
}

async function applyOwnership(admin: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await execute(admin, `cannot run ${statement}`, statement);
}
