import pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { asked, execute } from './ask.ts';
import { creationStatement, openAgain, renameStatement } from './database-statements.ts';
import { databaseError, describeCause, errorCode } from './errors.ts';
import { type CreationOptions, readServerVersion } from './facts.ts';
import { refusePrepared } from './prepared-transactions.ts';
import { isAway } from './server-away.ts';
import { endSessions } from './session.ts';
import { SQLSTATE } from './sqlstate.ts';

const quote = pg.escapeIdentifier;

/** A database of the server, as seen from the others. */
interface KnownDatabase {
  readonly name: string;
  /** It stays the same if the database is renamed (`pg_database.oid`). */
  readonly oid: number;
  /** Whether it accepts connections at all (`pg_database.datallowconn`). */
  readonly connectable: boolean;
  /** Whether the connection's role has its owner's rights. */
  readonly owned: boolean;
  /** Whether anybody may copy it (`pg_database.datistemplate`), in which case it cannot be dropped. */
  readonly template: boolean;
  /**
   * Whether dropping it was interrupted: all that can be done is drop it again (`pg_database.datconnlimit` -2, since
   * the minor releases of August 2023).
   */
  readonly invalid: boolean;
}

/**
 * All databases of the server, including templates.
 *
 * @throws DatabaseError
 */
export async function listDatabases(client: pg.Client): Promise<KnownDatabase[]> {
  const answer = client.query<KnownDatabase>(
    `SELECT datname AS name, oid, datallowconn AS connectable, pg_has_role(datdba, 'USAGE') AS owned,
       datistemplate AS template, datconnlimit = -2 AS invalid
     FROM pg_database ORDER BY datname`,
  );
  return (await asked('cannot list the databases of the server', answer)).rows;
}

/**
 * CREATE DATABASE from `template0`, the one template that accepts any encoding and locale (manual §23.3).
 *
 * @throws DatabaseError, naming the locale to install if the server's system lacks it
 */
export async function createDatabase(
  client: pg.Client,
  name: string,
  options: CreationOptions,
): Promise<void> {
  const doing = `cannot create database ${name}`;
  try {
    const { major } = await readServerVersion(client);
    await client.query(creationStatement(name, options, major));
  } catch (error) {
    // The error for a locale that the server's system does not have.
    if (errorCode(error) !== SQLSTATE.wrongObjectType) throw databaseError(doing, error);
    throw new DatabaseError({
      doing,
      problem: `the server lacks the locale ${options.collate} or ${options.ctype} of the dumped database`,
      remedy: 'generate it on the database server (locale-gen) and restart the server',
      cause: error,
    });
  }
}

/**
 * Allows connections to a database again.
 *
 * @throws DatabaseError
 */
export async function allowConnections(client: pg.Client, name: string): Promise<void> {
  await execute(client, `cannot allow connections to database ${name}`, openAgain(name));
}

/**
 * Refuses connections to a database to everyone, superusers included; existing sessions continue.
 *
 * @throws DatabaseError
 */
export async function refuseConnections(client: pg.Client, name: string): Promise<void> {
  const statement = `ALTER DATABASE ${quote(name)} ALLOW_CONNECTIONS false`;
  await execute(client, `cannot refuse connections to database ${name}`, statement);
}

/**
 * Renames a database, which is possible only while nobody is connected to it.
 *
 * @throws DatabaseError, also if a database of the new name exists, or prepared transactions hold this one
 */
export async function renameDatabase(client: pg.Client, from: string, to: string): Promise<void> {
  const doing = `cannot rename database ${from} to ${to}`;
  await refusePrepared(client, from, doing);
  await execute(client, doing, renameStatement(from, to));
}

/** Runs `work` in a transaction: either all of it takes effect, or none. */
export async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  try {
    await client.query('BEGIN');
    await work();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Runs `work` while nobody is connected to a database: new connections are refused and existing ones ended first. If
 * it fails, connections are allowed again; if it succeeds, that is up to `work`.
 *
 * @throws DatabaseError that names the statement to run, if the database could not be opened again
 */
async function withoutSessions(client: pg.Client, name: string, work: () => Promise<void>): Promise<void> {
  await refuseConnections(client, name);
  try {
    await endSessions(client, name);
    await work();
  } catch (error) {
    await reopen(client, name, error);
    throw error;
  }
}

async function reopen(client: pg.Client, name: string, cause: unknown): Promise<void> {
  try {
    await allowConnections(client, name);
  } catch {
    throw stillClosed(name, cause);
  }
}

/**
 * The error for a database that could not be opened again; it names the statement to run.
 *
 * @param cause the failure after which reopening was tried
 */
export function stillClosed(name: string, cause: unknown): DatabaseError {
  return new DatabaseError({
    doing: `cannot leave database ${name} as it was`,
    problem: `it still refuses connections after this failure: ${describeCause(cause)}`,
    remedy: `run: ${openAgain(name)}`,
    cause,
  });
}

/**
 * Why a database could not be dropped. If the connection broke, without what {@link stillClosed} advises about it: for
 * those who look over another one what there is, and try again or open it.
 */
export function failureBefore(error: unknown): unknown {
  const isAdvice = isAway(error) && error instanceof DatabaseError && error.cause instanceof DatabaseError;
  return isAdvice ? error.cause : error;
}

/** The statement with which {@link dropDatabase} drops a database. */
export function dropStatement(name: string): string {
  return `DROP DATABASE IF EXISTS ${quote(name)}`;
}

/**
 * Ends the sessions of a database and drops it; if that fails, the database stays in service as it was. A database
 * that does not exist is not an error.
 *
 * @param assertWanted called right before the drop, once the sessions have ended; if it throws, nothing is dropped
 */
export async function dropDatabase(
  client: pg.Client,
  name: string,
  assertWanted: () => void = () => {},
): Promise<void> {
  const known = (await listDatabases(client)).find((database) => database.name === name);
  if (known === undefined) return;
  const doing = `cannot drop database ${name}`;
  if (known.invalid) {
    await execute(client, doing, dropStatement(name));
    return;
  }
  const beTemplate = (yes: boolean) =>
    execute(client, doing, `ALTER DATABASE ${quote(name)} IS_TEMPLATE ${yes}`);
  if (known.template) await beTemplate(false);
  try {
    await refusePrepared(client, name, doing);
    await withoutSessions(client, name, async () => {
      await refusePrepared(client, name, doing);
      assertWanted();
      await execute(client, doing, dropStatement(name));
    });
  } catch (error) {
    // The reason why it could not be dropped is the one to report.
    if (known.template) await beTemplate(true).catch(() => {});
    throw error;
  }
}
