import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { openAgain } from './database.ts';
import { creationStatement } from './database-statements.ts';
import { databaseError, describeCause, errorCode } from './errors.ts';
import { execute } from './execute.ts';
import type { CreationOptions } from './facts.ts';
import { refusePrepared } from './prepared-transactions.ts';
import { SQLSTATE } from './sqlstate.ts';

/** How long sessions that were told to end may take, in milliseconds. */
const TERMINATE_MS = 30_000;

const quote = pg.escapeIdentifier;

/** A database of the server, as the other databases see it. */
export interface KnownDatabase {
  readonly name: string;
  /** Whether it may be connected to at all (`pg_database.datallowconn`). */
  readonly connectable: boolean;
  /** Whether the connection's role may do with it what its owner may. */
  readonly owned: boolean;
  /** Whether anybody may copy it (`pg_database.datistemplate`), for which it cannot be dropped. */
  readonly template: boolean;
  /**
   * Whether dropping it was cut off: it can be dropped, and nothing else (`pg_database.datconnlimit` -2, of the minor
   * releases of August 2023 on).
   */
  readonly invalid: boolean;
}

/** All databases of the server, templates too. */
export async function listDatabases(client: pg.Client): Promise<KnownDatabase[]> {
  const { rows } = await client.query<KnownDatabase>(
    `SELECT datname AS name, datallowconn AS connectable, pg_has_role(datdba, 'USAGE') AS owned,
       datistemplate AS template, datconnlimit = -2 AS invalid
     FROM pg_database ORDER BY datname`,
  );
  return rows;
}

/**
 * CREATE DATABASE from `template0`, the one template that takes any encoding and locale (manual §23.3).
 *
 * @throws DatabaseError, with the locale to install when the server's system lacks it
 */
export async function createDatabase(
  client: pg.Client,
  name: string,
  options: CreationOptions,
): Promise<void> {
  const doing = `cannot create database ${name}`;
  try {
    await client.query(creationStatement(name, options));
  } catch (error) {
    // What the server calls a locale that its system does not have.
    if (errorCode(error) !== SQLSTATE.wrongObjectType) throw databaseError(doing, error);
    throw new DatabaseError({
      doing,
      problem: `the server lacks the locale ${options.collate} or ${options.ctype} of the dumped database`,
      remedy: 'generate it on the database server (locale-gen) and restart the server',
      cause: error,
    });
  }
}

/** Ends every other session of a database and waits until they are gone. */
export async function endSessions(client: pg.Client, name: string): Promise<void> {
  const doing = `cannot end the connections to database ${name}`;
  const until = performance.now() + TERMINATE_MS;
  try {
    for (;;) {
      // Autovacuum, which has no role, may not be ended by everyone, and gives way to a rename and a drop by itself.
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND pid <> pg_backend_pid() AND usesysid IS NOT NULL`,
        [name],
      );
      if (rows.length === 0) return;
      if (performance.now() > until) {
        throw new DatabaseError({
          doing,
          problem: `process ${rows.map(({ pid }) => pid).join(', ')} did not end`,
          remedy: 'end it on the database server and run again',
        });
      }
      await delay(50);
    }
  } catch (error) {
    throw databaseError(doing, error);
  }
}

/**
 * Lets everybody connect to a database again, or nobody, superusers neither; sessions that are there go on.
 *
 * @throws DatabaseError
 */
export async function allowConnections(client: pg.Client, name: string, allow: boolean): Promise<void> {
  await execute(
    client,
    `cannot ${allow ? 'allow' : 'refuse'} connections to database ${name}`,
    `ALTER DATABASE ${quote(name)} ALLOW_CONNECTIONS ${allow}`,
  );
}

/**
 * Gives a database another name, which is possible only while nobody is connected to it.
 *
 * @throws DatabaseError, also where a database of the new name exists, or prepared transactions hold this one
 */
export async function renameDatabase(client: pg.Client, from: string, to: string): Promise<void> {
  const doing = `cannot rename database ${from} to ${to}`;
  await refusePrepared(client, from, doing);
  await execute(client, doing, `ALTER DATABASE ${quote(from)} RENAME TO ${quote(to)}`);
}

/** Runs `work` in a transaction: all of it is done, or nothing. */
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
 * Runs `work` while nobody is connected to a database: connections are refused and ended first. When it fails they
 * are allowed again; `work` itself settles that where it succeeds.
 *
 * @throws DatabaseError that names the statement to run, when the database could not be opened again
 */
async function withoutSessions(client: pg.Client, name: string, work: () => Promise<void>): Promise<void> {
  await allowConnections(client, name, false);
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
    await allowConnections(client, name, true);
  } catch {
    throw stillClosed(name, cause);
  }
}

/**
 * The error of a database that could not be opened again; it names the statement to run.
 *
 * @param cause the failure after which it was tried
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
 * Ends the sessions of a database and drops it; when that fails, it serves on as it was. One that does not exist is no
 * error.
 */
export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  const known = (await listDatabases(client)).find((database) => database.name === name);
  if (known === undefined) return;
  const doing = `cannot drop database ${name}`;
  if (known.invalid) {
    await execute(client, doing, `DROP DATABASE IF EXISTS ${quote(name)}`);
    return;
  }
  const beTemplate = (yes: boolean) =>
    execute(client, doing, `ALTER DATABASE ${quote(name)} IS_TEMPLATE ${yes}`);
  if (known.template) await beTemplate(false);
  try {
    await refusePrepared(client, name, doing);
    await withoutSessions(client, name, async () => {
      await refusePrepared(client, name, doing);
      await execute(client, doing, `DROP DATABASE IF EXISTS ${quote(name)}`);
    });
  } catch (error) {
    // Why it could not be dropped is what has to be told.
    if (known.template) await beTemplate(true).catch(() => {});
    throw error;
  }
}
