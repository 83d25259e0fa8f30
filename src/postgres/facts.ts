import type { Client } from 'pg';
import { oneRow } from './ask.ts';

/** A privilege on the database (`aclexplode` of `pg_database.datacl`). */
interface DatabaseGrant {
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

/** Encoding and locale of a database; locale names are those of the server's system. */
export interface DatabaseLocale {
  readonly encoding: string;
  /** null: the server's default. */
  readonly collate: string | null;
  readonly ctype: string | null;
  /** `libc`, `icu` (PostgreSQL 15) or `builtin` (17); null if the server knows only libc. */
  readonly provider: 'libc' | 'icu' | 'builtin' | null;
  /** The provider's own name for the locale; null for libc. */
  readonly providerLocale: string | null;
  /** Custom rules of an ICU locale (PostgreSQL 16); null for none. */
  readonly icuRules: string | null;
}

/** What a database is created with. */
export interface CreationOptions extends DatabaseLocale {
  /** Default tablespace of its tables; null for the server's default, `pg_default`. */
  readonly tablespace: string | null;
}

/** Options for a database without any particular locale and tablespace. */
export const PLAIN_CREATION = {
  encoding: 'UTF8',
  collate: 'C',
  ctype: 'C',
  provider: null,
  providerLocale: null,
  icuRules: null,
  tablespace: null,
} satisfies CreationOptions;

/** What `pg_dump` leaves out unless `--create` is given. */
export interface DatabaseFacts extends CreationOptions {
  readonly name: string;
  readonly collate: string;
  readonly ctype: string;
  readonly owner: string;
  readonly settings: readonly DatabaseSetting[];
  /** Most concurrent connections (`pg_database.datconnlimit`); -1: no limit. */
  readonly connectionLimit: number;
  /** Whether anybody may copy it (`pg_database.datistemplate`). */
  readonly template: boolean;
  /** `COMMENT ON DATABASE`. */
  readonly comment: string | null;
  /** null: the default privileges. */
  readonly acl: readonly DatabaseGrant[] | null;
  /** `pg_database_size`; 0 if the role may not connect to the database. */
  readonly bytes: number;
}

/**
 * Reads the facts of a database, from a connection to any database.
 *
 * @returns undefined if there is no such database
 */
export async function readDatabaseFacts(client: Client, name: string): Promise<DatabaseFacts | undefined> {
  // The locale's columns differ between versions; a row's JSON has those that exist.
  const { rows } = await client.query<{ facts: DatabaseFacts }>(
    `
    SELECT json_build_object(
      'name', d.datname,
      'encoding', pg_encoding_to_char(d.encoding),
      'collate', d.datcollate,
      'ctype', d.datctype,
      'provider', CASE to_jsonb(d)->>'datlocprovider'
        WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
      'providerLocale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'),
      'icuRules', to_jsonb(d)->>'daticurules',
      'tablespace', nullif(t.spcname, 'pg_default'),
      'owner', pg_get_userbyid(d.datdba),
      -- Refused to a role that may not connect, unless it is a member of pg_read_all_stats.
      'bytes', CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END,
      'connectionLimit', d.datconnlimit,
      'template', d.datistemplate,
      'comment', shobj_description(d.oid, 'pg_database'),
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
          'value', substr(c, strpos(c, '=') + 1)) ORDER BY r.rolname NULLS FIRST, c)
        FROM pg_db_role_setting s
        LEFT JOIN pg_roles r ON r.oid = s.setrole
        CROSS JOIN LATERAL unnest(s.setconfig) c
        WHERE s.setdatabase = d.oid), '[]')) AS facts
    FROM pg_database d
    JOIN pg_tablespace t ON t.oid = d.dattablespace
    WHERE d.datname = $1`,
    [name],
  );
  return rows[0]?.facts;
}

/** The last applied migration of each Django app; empty if the database is not Django's. */
export async function readMigrations(client: Client): Promise<Record<string, string>> {
  const { rows: found } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relname = 'django_migrations' AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND (SELECT count(*) FROM pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attname IN ('id', 'app', 'name') AND NOT a.attisdropped) = 3
     ORDER BY n.nspname <> 'public', n.nspname LIMIT 1`,
  );
  if (found[0] === undefined) return {};
  const { rows } = await client.query<{ app: string; name: string }>(
    `SELECT DISTINCT ON (app) app, name FROM ${found[0].name} ORDER BY app, id DESC`,
  );
  return Object.fromEntries(rows.map((row) => [row.app, row.name]));
}

/** The server's version: `server_version` and its major number (`server_version_num` / 10000). */
export async function readServerVersion(client: Client): Promise<{ version: string; major: number }> {
  const { version, number } = await oneRow<{ version: string; number: string }>(
    client,
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number`,
  );
  return { version, major: Math.floor(Number(number) / 10_000) };
}
