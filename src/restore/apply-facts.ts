import pg from 'pg';
import { databaseError, describeCause, errorCode } from '../postgres/errors.ts';
import { execute } from '../postgres/execute.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import type { Logger } from '../ui/log.ts';
import type { RestorePlan } from './plan.ts';

/** A database that is being filled under another name than it will have. */
interface Scratch {
  readonly scratch: string;
  readonly log: Logger;
}

/**
 * Gives the new database what it needs before it is filled: settings that rows may depend on, and its owner.
 *
 * @param admin a connection to the maintenance database
 * @throws DatabaseError
 */
export async function prepareScratch(admin: pg.Client, plan: RestorePlan, into: Scratch): Promise<void> {
  await applySettings(admin, plan.traits.before, plan, into);
  await applyOwnership(admin, plan.ownership.before);
  await setEventTriggers(admin, into.scratch, 'off');
}

/**
 * Gives it the rest once it is filled.
 *
 * @param admin a connection to the maintenance database
 * @throws DatabaseError
 */
export async function finishScratch(admin: pg.Client, plan: RestorePlan, into: Scratch): Promise<void> {
  await setEventTriggers(admin, into.scratch, 'default');
  await applySettings(admin, plan.traits.after, plan, into);
  await applyOwnership(admin, plan.ownership.after);
}

/**
 * Since PostgreSQL 17 an event trigger may fire at each login, and write or refuse it. A restore's logins are none of
 * the application's; its sessions switch the others on again. Only a superuser may switch them off (manual, "event_triggers"), or have created them.
 */
async function setEventTriggers(admin: pg.Client, scratch: string, to: 'off' | 'default'): Promise<void> {
  const doing = `cannot switch the event triggers of database ${scratch}`;
  const { rows } = await admin
    .query<{ may: boolean }>(
      `SELECT rolsuper AND EXISTS (SELECT FROM pg_settings WHERE name = 'event_triggers') AS may
       FROM pg_roles WHERE rolname = current_user`,
    )
    .catch((error: unknown) => {
      throw databaseError(doing, error);
    });
  if (rows[0]?.may !== true) return;
  const what = to === 'off' ? 'SET event_triggers TO off' : 'RESET event_triggers';
  await execute(admin, doing, `ALTER DATABASE ${pg.escapeIdentifier(scratch)} ${what}`);
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
