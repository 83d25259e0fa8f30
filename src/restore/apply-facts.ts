import pg from 'pg';
import { databaseError, describeCause, errorCode } from '../postgres/errors.ts';
import { execute } from '../postgres/execute.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import type { Logger } from '../ui/log.ts';

/**
 * Gives the new database its settings. A setting that this server does not know or accept, or that this role may not
 * set, is skipped: only the setting is lost, the restored rows are all there.
 *
 * @param about `scratch`: the name in the statements; `name`: the one that the database will have
 */
export async function applySettings(
  admin: pg.Client,
  statements: readonly string[],
  { scratch, name, log }: { readonly scratch: string; readonly name: string; readonly log: Logger },
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

/** Gives the new database its owner and privileges. */
export async function applyOwnership(admin: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await execute(admin, `cannot run ${statement}`, statement);
}
