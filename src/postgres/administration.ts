import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { databaseError, errorCode } from './errors.ts';
import type { DatabaseFacts } from './facts.ts';

/** How long sessions that were told to end may take, in milliseconds. */
const TERMINATE_MS = 30_000;

const quote = pg.escapeIdentifier;

/** What a new database is created with; locale names are those of the server's system. */
export interface DatabaseLocale {
  readonly encoding: string;
  /** undefined: the server's own. */
  readonly collate: string | undefined;
  readonly ctype: string | undefined;
}

async function run(client: pg.Client, doing: string, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    throw databaseError(doing, error);
  }
}

/** Names of all databases of the server, templates too. */
export async function listDatabases(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT datname AS name FROM pg_database');
  return rows.map(({ name }) => name);
}

/** Which of these roles the server does not have. */
export async function missingRoles(client: pg.Client, roles: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) ORDER BY 1',
    [roles],
  );
  return rows.map(({ name }) => name);
}

/**
 * CREATE DATABASE from `template0`, the one template that takes any encoding and locale (manual §23.3).
 *
 * @throws DatabaseError, with the locale to install when the server's system lacks it
 */
export async function createDatabase(client: pg.Client, name: string, locale: DatabaseLocale): Promise<void> {
  const parts = [
    `CREATE DATABASE ${quote(name)} TEMPLATE template0 ENCODING ${pg.escapeLiteral(locale.encoding)}`,
  ];
  if (locale.collate !== undefined) parts.push(`LC_COLLATE ${pg.escapeLiteral(locale.collate)}`);
  if (locale.ctype !== undefined) parts.push(`LC_CTYPE ${pg.escapeLiteral(locale.ctype)}`);
  try {
    await client.query(parts.join(' '));
  } catch (error) {
    const unknownLocale = errorCode(error) === '42809' && /locale/.test(String(error));
    if (!unknownLocale) throw databaseError(`cannot create database ${name}`, error);
    throw new DatabaseError({
      doing: `cannot create database ${name}`,
      problem: `the server lacks the locale ${locale.collate} or ${locale.ctype} of the dumped database`,
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
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND pid <> pg_backend_pid()`,
        [name],
      );
      if (rows.length === 0) return;
      if (performance.now() > until) {
        throw new DatabaseError({
          doing,
          problem: `process ${rows.map(({ pid }) => pid).join(', ')} does not end`,
          remedy: 'end it on the database server and run again',
        });
      }
      await delay(50);
    }
  } catch (error) {
    throw databaseError(doing, error);
  }
}

export async function allowConnections(client: pg.Client, name: string, allow: boolean): Promise<void> {
  await run(
    client,
    `cannot ${allow ? 'allow' : 'refuse'} connections to database ${name}`,
    `ALTER DATABASE ${quote(name)} ALLOW_CONNECTIONS ${allow}`,
  );
}

/** Several renames at once: all of them are done, or none. */
export async function renameDatabases(
  client: pg.Client,
  renames: readonly { readonly from: string; readonly to: string }[],
): Promise<void> {
  const doing = `cannot rename database ${renames.map(({ from, to }) => `${from} to ${to}`).join(', ')}`;
  try {
    await client.query('BEGIN');
    for (const { from, to } of renames)
      await client.query(`ALTER DATABASE ${quote(from)} RENAME TO ${quote(to)}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw databaseError(doing, error);
  }
}

/** Ends the sessions of a database and drops it. One that does not exist is no error. */
export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  if (!(await listDatabases(client)).includes(name)) return;
  await allowConnections(client, name, false);
  await endSessions(client, name);
  await run(client, `cannot drop database ${name}`, `DROP DATABASE IF EXISTS ${quote(name)}`);
}

/** Settings whose value is a list of quoted names (GUC_LIST_QUOTE); each name is given on its own. */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** The statements that give database `name` what `facts` say of settings, owner and rights. */
export function databaseStatements(name: string, facts: DatabaseFacts): string[] {
  const on = `DATABASE ${quote(name)}`;
  const statements = [`ALTER ${on} OWNER TO ${quote(facts.owner)}`];
  for (const { role, name: setting, value } of facts.settings) {
    const subject = role === null ? `ALTER ${on}` : `ALTER ROLE ${quote(role)} IN ${on}`;
    const values = LISTS.has(setting.toLowerCase()) ? splitList(value) : [value];
    const parameter = setting.split('.').map(quote).join('.');
    statements.push(`${subject} SET ${parameter} TO ${values.map(pg.escapeLiteral).join(', ')}`);
  }
  if (facts.acl !== null) {
    statements.push(`REVOKE ALL ON ${on} FROM PUBLIC, ${quote(facts.owner)}`);
    for (const { grantee, privilege, grantable } of facts.acl) {
      const to = grantee === 'PUBLIC' ? 'PUBLIC' : quote(grantee);
      statements.push(`GRANT ${privilege} ON ${on} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`);
    }
  }
  return statements;
}

/** `"$user", public` as its names. */
function splitList(value: string): string[] {
  const names = value.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? [];
  if (names.length === 0) return [''];
  return names.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name));
}

/** The roles that {@link databaseStatements} names. */
export function databaseRoles(facts: DatabaseFacts): string[] {
  const grantees = (facts.acl ?? []).map(({ grantee }) => grantee).filter((grantee) => grantee !== 'PUBLIC');
  const settings = facts.settings.map(({ role }) => role).filter((role) => role !== null);
  return [...new Set([facts.owner, ...grantees, ...settings])];
}
