import type { Client } from 'pg';

/** A privilege on the database (`aclexplode` of `pg_database.datacl`). */
export interface DatabaseGrant {
  /** Name of the role; `PUBLIC` for everyone. */
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** A setting of `ALTER DATABASE … SET`, for every role or one (`pg_db_role_setting`). */
export interface DatabaseSetting {
  readonly role: string | null;
  readonly name: string;
  readonly value: string;
}

/** What `pg_dump` leaves out unless `--create` is given. */
export interface DatabaseFacts {
  readonly name: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly owner: string;
  readonly settings: readonly DatabaseSetting[];
  /** null: the default privileges. */
  readonly acl: readonly DatabaseGrant[] | null;
  /** `pg_database_size`. */
  readonly bytes: number;
}

/** Reads the facts of the database that `client` is connected to. */
export async function readDatabaseFacts(client: Client): Promise<DatabaseFacts> {
  const { rows } = await client.query<{ facts: DatabaseFacts }>(`
    SELECT json_build_object(
      'name', d.datname,
      'encoding', pg_encoding_to_char(d.encoding),
      'collate', d.datcollate,
      'ctype', d.datctype,
      'owner', pg_get_userbyid(d.datdba),
      'bytes', pg_database_size(d.oid),
      'acl', CASE WHEN d.datacl IS NULL THEN NULL ELSE coalesce((
        SELECT json_agg(json_build_object(
          'grantee', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
          'privilege', a.privilege_type,
          'grantable', a.is_grantable))
        FROM aclexplode(d.datacl) a), '[]') END,
      'settings', coalesce((
        SELECT json_agg(json_build_object(
          'role', r.rolname,
          'name', split_part(c, '=', 1),
          'value', substr(c, strpos(c, '=') + 1)))
        FROM pg_db_role_setting s
        LEFT JOIN pg_roles r ON r.oid = s.setrole
        CROSS JOIN LATERAL unnest(s.setconfig) c
        WHERE s.setdatabase = d.oid), '[]')) AS facts
    FROM pg_database d
    WHERE d.datname = current_database()`);
  const facts = rows[0]?.facts;
  if (facts === undefined) throw new Error('pg_database has no row for the current database');
  return facts;
}

/** The last applied migration of each Django app; empty where the database is not Django's. */
export async function readMigrations(client: Client): Promise<Record<string, string>> {
  const exists = await client.query<{ yes: boolean }>(
    `SELECT to_regclass('django_migrations') IS NOT NULL AS yes`,
  );
  if (exists.rows[0]?.yes !== true) return {};
  const { rows } = await client.query<{ app: string; name: string }>(
    'SELECT DISTINCT ON (app) app, name FROM django_migrations ORDER BY app, id DESC',
  );
  return Object.fromEntries(rows.map((row) => [row.app, row.name]));
}

/** The server's version: `server_version` and its major number (`server_version_num` / 10000). */
export async function readServerVersion(client: Client): Promise<{ version: string; major: number }> {
  const { rows } = await client.query<{ version: string; number: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error('the server does not tell its version');
  return { version: row.version, major: Math.floor(Number(row.number) / 10_000) };
}
