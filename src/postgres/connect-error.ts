import { DatabaseError, type OperatorError, withRemedy } from '../errors.ts';
import { dropByHand, openAgain } from './database-statements.ts';
import { databaseError, describeCause, errorCode, NOT_SERVED } from './errors.ts';
import { NoPasswordError } from './password-file.ts';
import { SQLSTATE } from './sqlstate.ts';

/** Errors for a database that does not exist, or that the role may not connect to. */
const NOT_THERE = new Set<string>([SQLSTATE.invalidCatalogName, SQLSTATE.insufficientPrivilege]);

/** As remedies list them. */
const OWN_VARIABLE = '\\bPOSTGRES_(?:HOST|PORT|USER|PASSWORD|DB)\\b';
const OWN_VARIABLES = new RegExp(`${OWN_VARIABLE}(?:(?:,| and) ${OWN_VARIABLE})*`, 'g');

/** A connection that was tried. */
interface TriedConnection {
  readonly database: string;
  /** `localhost:5432` */
  readonly server: string;
  readonly user: string;
  readonly maintenanceDatabase: string;
  /** The one variable that gives all of this; undefined if each has one of its own (`POSTGRES_HOST`). */
  readonly from: string | undefined;
}

/** The error for a connection that could not be made, whose remedy depends on which database it was for. */
export function connectError(tried: TriedConnection, error: unknown): Error {
  const { database, server, user, maintenanceDatabase, from } = tried;
  const doing = `cannot connect to database ${database} on ${server} as ${user}`;
  if (error instanceof NoPasswordError) {
    const { message, remedy } = error;
    return namingSource(new DatabaseError({ doing, problem: message, remedy, cause: error }), from);
  }
  const code = errorCode(error);
  const problem = describeCause(error);
  const isNotThere = NOT_SERVED.test(problem) || (code !== undefined && NOT_THERE.has(code));
  if (database === maintenanceDatabase && isNotThere) {
    const remedy = `set ${from ?? 'POSTGRES_MAINTENANCE_DB'} to a database that the role may connect to`;
    return new DatabaseError({ doing, problem, remedy, cause: error });
  }
  if (code !== SQLSTATE.objectNotInPrerequisiteState) return namingSource(databaseError(doing, error), from);
  if (/invalid database/.test(problem)) {
    const remedy = `restore it, which drops what is left of it; or run on database ${maintenanceDatabase}: ${dropByHand(database)}`;
    return new DatabaseError({ doing, problem, remedy, cause: error });
  }
  return new DatabaseError({
    doing,
    problem: 'it refuses connections, as after a restore that was killed during the swap',
    remedy: `run on database ${maintenanceDatabase}: ${openAgain(database)}`,
    cause: error,
  });
}

/** The remedies name the variables that usually give the settings. */
function namingSource(error: OperatorError, from: string | undefined): OperatorError {
  const { remedy } = error;
  if (from === undefined || remedy === undefined || !(error instanceof DatabaseError)) return error;
  return withRemedy(error, remedy.replace(OWN_VARIABLES, from));
}
