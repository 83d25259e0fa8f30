import pg from 'pg';
import { oneRow } from './ask.ts';

const quote = pg.escapeIdentifier;

/** What this role lacks to own in place of another role, or to give to it. */
export interface OwnerLack {
  /** The other role. */
  readonly owner: string;
  /** Whether this role has the rights of the other, such as to rename or drop its databases. */
  readonly inherits: boolean;
  /** What is missing, in one clause that calls the other role `it`. */
  readonly why: string;
  /** The statement that changes that; undefined if the owner is a superuser or itself a member of this role. */
  readonly grant: string | undefined;
}

/**
 * What this role lacks before it can both make `owner` the owner of a database, or of an object, and still rename or
 * change it: the former takes membership in `owner`, since PostgreSQL 16 WITH SET, the latter its rights (manual, ALTER
 * DATABASE, GRANT); undefined if it may do both.
 */
export async function lackToGiveTo(client: pg.Client, owner: string): Promise<OwnerLack | undefined> {
  const role = await oneRow<{
    user: string;
    may: boolean;
    inherits: boolean;
    isMember: boolean;
    inheritsAny: boolean;
    since16: boolean;
    grantable: boolean;
  }>(
    client,
    `SELECT current_user AS user, since16, pg_has_role($1::name, 'USAGE') AS inherits,
       pg_has_role($1::name, 'MEMBER') AS "isMember",
       pg_has_role($1::name, CASE WHEN since16 THEN 'SET' ELSE 'MEMBER' END) AS may,
       (SELECT rolinherit FROM pg_roles WHERE rolname = current_user) AS "inheritsAny",
       NOT pg_has_role($1::name, current_user, 'MEMBER') AS grantable
     FROM (SELECT current_setting('server_version_num')::int >= 160000 AS since16) AS version`,
    [owner],
  );
  const { inherits, may } = role;
  if (may && inherits) return undefined;
  return {
    owner,
    inherits,
    why: describeLack(role),
    grant: role.grantable ? grantFor(owner, role) : undefined,
  };
}

function describeLack({ isMember, inherits, may }: Record<'isMember' | 'inherits' | 'may', boolean>): string {
  if (!isMember) return 'this role is not a member of it';
  if (may) return 'this role does not inherit its rights';
  return inherits
    ? 'this role may not SET ROLE to it'
    : 'this role may neither SET ROLE to it nor use its rights';
}

function grantFor(
  owner: string,
  { user, ...role }: { readonly user: string } & Record<'since16' | 'isMember' | 'inheritsAny', boolean>,
): string {
  const grant = `GRANT ${quote(owner)} TO ${quote(user)}`;
  if (role.since16) return `${grant} WITH INHERIT TRUE, SET TRUE`;
  const inherit = `ALTER ROLE ${quote(user)} INHERIT`;
  if (role.isMember) return inherit;
  return role.inheritsAny ? grant : `${grant}; ${inherit}`;
}

/**
 * What keeps this role from renaming a database and from giving another one to the same owner, and the statement that
 * changes that. Owning the database itself is the remedy only where the role cannot be given the owner's rights: the
 * application would lose its own, and the backups from before would still name the old owner.
 *
 * @returns undefined if nothing does, or there is no such database
 */
export async function lackToReplace(
  client: pg.Client,
  database: string,
): Promise<(OwnerLack & { readonly remedy: string }) | undefined> {
  const { rows } = await client.query<{ owner: string; user: string }>(
    `SELECT r.rolname AS owner, current_user AS user
     FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = $1`,
    [database],
  );
  const [found] = rows;
  if (found === undefined) return undefined;
  const lack = await lackToGiveTo(client, found.owner);
  if (lack === undefined) return undefined;
  return { ...lack, remedy: lack.grant ?? `ALTER DATABASE ${quote(database)} OWNER TO ${quote(found.user)}` };
}

/**
 * Owners of the objects that a dump of the connected database has, by name. Owners of extensions and of their members
 * count for nothing, because a dump only has CREATE EXTENSION; nor do those of what belongs to another object. The
 * server does not record what its first superuser owns (manual, "pg_shdepend"), so the most common kinds of that are
 * looked for.
 */
const OWNERS = `
  WITH object AS (
    SELECT classid, objid, refobjid AS owner FROM pg_shdepend
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND deptype = 'o' AND refclassid = 'pg_authid'::regclass
      AND classid NOT IN ('pg_user_mapping'::regclass, 'pg_extension'::regclass)
    UNION ALL SELECT tableoid, oid, nspowner FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT tableoid, oid, relowner FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL SELECT tableoid, oid, proowner FROM pg_proc
    UNION ALL SELECT tableoid, oid, typowner FROM pg_type WHERE typtype IN ('c', 'd', 'e', 'r')
    UNION ALL SELECT 'pg_largeobject'::regclass, oid, lomowner FROM pg_largeobject_metadata
  )
  SELECT DISTINCT r.rolname AS owner FROM object o JOIN pg_roles r ON r.oid = o.owner
  WHERE r.rolname NOT IN (current_user, 'pg_database_owner')
    AND (o.objid >= 16384 OR o.classid = 'pg_largeobject'::regclass
      -- The schema public belongs to the first superuser by default, and since PostgreSQL 15 to pg_database_owner.
      OR o.classid = 'pg_namespace'::regclass AND o.objid = to_regnamespace('public')
        AND (o.owner <> 10 OR current_setting('server_version_num')::int >= 150000))
    AND NOT EXISTS (
      SELECT FROM pg_depend e WHERE e.classid = o.classid AND e.objid = o.objid AND e.deptype IN ('e', 'i'))
    AND NOT EXISTS (
      SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE o.classid = c.tableoid AND o.objid = c.oid AND n.nspname ~ '^pg_')
  ORDER BY 1`;

/**
 * What this role lacks to own what the connected database contains in place of its owners, and to give it to them; one
 * for each owner, in the order of their names.
 */
export async function lackToRecreate(client: pg.Client): Promise<OwnerLack[]> {
  const { rows } = await client.query<{ owner: string }>(OWNERS);
  const lacks: OwnerLack[] = [];
  for (const { owner } of rows) {
    const lack = await lackToGiveTo(client, owner);
    if (lack !== undefined) lacks.push(lack);
  }
  return lacks;
}
