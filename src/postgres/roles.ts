import pg from 'pg';

const quote = pg.escapeIdentifier;

/** Which of these roles do not exist on the server. */
export async function missingRoles(client: pg.Client, roles: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) ORDER BY 1',
    [roles],
  );
  return rows.map(({ name }) => name);
}

/** A role and the predefined roles that it is a member of, directly or not, whether or not it has their rights. */
export interface Memberships {
  readonly role: string;
  /** Whether it inherits the rights of the roles it is a member of; the default of its grants since PostgreSQL 16. */
  readonly inherits: boolean;
  /** Major version of the server. */
  readonly major: number;
  readonly memberOf: readonly string[];
}

/** Those of the role whose rights count: POSTGRES_USER, unless that takes on another one as it connects (`SET role`). */
export async function readMemberships(client: pg.Client): Promise<Memberships> {
  const { rows } = await client.query<Memberships>(
    `SELECT r.rolname AS role, r.rolinherit AS inherits,
       current_setting('server_version_num')::int / 10000 AS major,
       ARRAY(
         SELECT p.rolname::text FROM pg_roles p
         WHERE p.rolname ~ '^pg_' AND pg_has_role(r.oid, p.oid, 'MEMBER')) AS "memberOf"
     FROM pg_roles r WHERE r.rolname = current_user`,
  );
  if (rows[0] === undefined) throw new Error('the role is not in pg_roles');
  return rows[0];
}

/**
 * The statement that gives a role the rights of a predefined one, which it lacks: for a role that does not inherit,
 * membership is not enough (manual, CREATE ROLE and GRANT).
 */
export function grantRightsOf(
  other: 'pg_read_all_data' | 'pg_signal_backend',
  { role, inherits, major, memberOf }: Memberships,
): string {
  const isMember = memberOf.includes(other);
  const grant = `GRANT ${other} TO ${quote(role)}`;
  if (major >= 16) return inherits && !isMember ? grant : `${grant} WITH INHERIT TRUE`;
  if (inherits) return grant;
  const inherit = `ALTER ROLE ${quote(role)} INHERIT`;
  return isMember ? inherit : `${grant}; ${inherit}`;
}

/** Roles whose sessions in a database this role may not end (manual, pg_terminate_backend). */
export async function untouchableRoles(client: pg.Client, database: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT other.rolname AS name
     FROM pg_stat_activity s JOIN pg_roles other ON other.oid = s.usesysid
       JOIN pg_roles own ON own.rolname = current_user
     WHERE s.datname = $1 AND NOT own.rolsuper
       AND (other.rolsuper
         OR NOT pg_has_role(other.oid, 'USAGE') AND NOT pg_has_role('pg_signal_backend', 'USAGE'))
     ORDER BY 1`,
    [database],
  );
  return rows.map(({ name }) => name);
}

/** Whether the role may create objects in a tablespace; undefined if the server has no such tablespace. */
export async function mayCreateIn(client: pg.Client, tablespace: string): Promise<boolean | undefined> {
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT has_tablespace_privilege(oid, 'CREATE') AS may FROM pg_tablespace WHERE spcname = $1`,
    [tablespace],
  );
  return rows[0]?.may;
}
