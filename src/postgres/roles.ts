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

/**
 * The statement this role needs before it can both make `owner` the owner of a database and still rename it: the
 * former takes membership in `owner`, the latter its rights (manual, ALTER DATABASE); undefined if it may do both.
 */
export async function grantToGiveTo(client: pg.Client, owner: string): Promise<string | undefined> {
  const { rows } = await client.query<{ user: string; may: boolean; inherits: boolean; since16: boolean }>(
    `SELECT current_user AS user, since16, pg_has_role($1::name, 'USAGE') AS inherits,
       pg_has_role($1::name, CASE WHEN since16 THEN 'SET' ELSE 'MEMBER' END) AS may
     FROM (SELECT current_setting('server_version_num')::int >= 160000 AS since16) AS version`,
    [owner],
  );
  const [role] = rows;
  if (role === undefined) throw new Error('the server gave no answer');
  if (role.may && role.inherits) return undefined;
  const grant = `GRANT ${quote(owner)} TO ${quote(role.user)}`;
  if (role.since16) return `${grant} WITH INHERIT TRUE, SET TRUE`;
  return role.may ? `ALTER ROLE ${quote(role.user)} INHERIT` : grant;
}

/** A role and the predefined roles that it is a member of, directly or not, whether or not it has their rights. */
export interface Memberships {
  readonly role: string;
  /** Whether it inherits the rights of the roles it is a member of; the default of its grants since PostgreSQL 16. */
  readonly inherits: boolean;
  readonly since16: boolean;
  readonly memberOf: readonly string[];
}

/**
 * The statement that gives a role the rights of a predefined one, which it lacks: for a role that does not inherit,
 * membership is not enough (manual, CREATE ROLE and GRANT).
 */
export function grantRightsOf(
  other: 'pg_read_all_data' | 'pg_signal_backend',
  { role, inherits, since16, memberOf }: Memberships,
): string {
  const isMember = memberOf.includes(other);
  const grant = `GRANT ${other} TO ${quote(role)}`;
  if (since16) return inherits && !isMember ? grant : `${grant} WITH INHERIT TRUE`;
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
