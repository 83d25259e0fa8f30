import type pg from 'pg';
import { databaseError, describeCause, errorCode } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';

/** SQLSTATEs (manual, appendix A) that lose a setting and no more: the restored rows are all there. */
const UNDEFINED_OBJECT = '42704';
const INSUFFICIENT_PRIVILEGE = '42501';

/** Gives the new database its settings. One that this server does not know, or this role may not set, is skipped. */
export async function applySettings(
  admin: pg.Client,
  statements: readonly string[],
  log: Logger,
): Promise<void> {
  for (const statement of statements) {
    try {
      await admin.query(statement);
    } catch (error) {
      switch (errorCode(error)) {
        case UNDEFINED_OBJECT:
          log.warn(`this server does not know a setting of the database; skipped: ${statement}`);
          break;
        case INSUFFICIENT_PRIVILEGE:
          log.warn(`${describeCause(error)}; skipped, to be run by a superuser: ${statement}`);
          break;
        default:
          throw databaseError(`cannot run ${statement}`, error);
      }
    }
  }
}

/** Gives the new database its owner and rights. */
export async function applyOwnership(admin: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    try {
      await admin.query(statement);
    } catch (error) {
      throw databaseError(`cannot run ${statement}`, error);
    }
  }
}
