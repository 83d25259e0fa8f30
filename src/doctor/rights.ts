import type pg from 'pg';
import { databaseError } from '../postgres/errors.ts';
import { lackToRecreate, lackToReplace, type OwnerLack } from '../postgres/owner-lack.ts';
import { type Memberships, readMemberships } from '../postgres/roles.ts';
import type { ConnectionLimits } from './connection-limits.ts';

/**
 * What the role may do, as far as only the catalogs show it without doing harm. `role` is the one whose rights count:
 * POSTGRES_USER, unless that takes on another one as it connects (`SET role`).
 */
export interface Rights extends Memberships {
  /** What keeps it from replacing the database by another one of the same owner. */
  readonly ownerLack: Awaited<ReturnType<typeof lackToReplace>>;
  /** What keeps it from recreating what the database contains for its owners. */
  readonly contentLacks: readonly OwnerLack[];
  /** Whether it may end sessions of other roles except superusers (predefined role `pg_signal_backend`). */
  readonly mayTerminate: boolean;
  /** Tables and sequences that pg_dump reads and the role may not read, quoted, with their schemas. */
  readonly unreadable: readonly string[];
  /** Tables with rows that row-level security would hide; pg_dump refuses to dump them. */
  readonly hidden: readonly string[];
  /** Those of them from whose owner it hides rows, too. */
  readonly forced: readonly string[];
  /** Some of the large objects that the role may not read: `large object 16404`. */
  readonly unreadableObjects: readonly string[];
  /** Objects of the database that only a superuser can create, if the role is not one: `event trigger audit`. */
  readonly ofSuperusers: readonly string[];
  /** Subscriptions, which pg_dump leaves out unless the role is a superuser. */
  readonly subscriptions: readonly string[];
  /** Foreign servers with user mappings whose options, such as passwords, only a superuser may see, if there are any. */
  readonly mappings: readonly string[];
  /** Those of POSTGRES_USER, whatever role it takes on. */
  readonly limits: ConnectionLimits;
  /** The server's clock. */
  readonly now: Date;
}

const RIGHTS = `
  WITH dumped AS (
    SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind, c.relforcerowsecurity AS forced,
      has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      -- Of an extension's own tables, pg_dump reads those that hold its configuration.
      AND (EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig)) OR NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')))
  SELECT
    (r.rolsuper OR pg_has_role(r.oid, 'pg_signal_backend', 'USAGE')) AS "mayTerminate",
    ARRAY(SELECT name FROM dumped WHERE NOT readable ORDER BY 1) AS unreadable,
    ARRAY(SELECT name FROM dumped WHERE readable AND relkind <> 'S' AND row_security_active(oid) ORDER BY 1) AS hidden,
    ARRAY(SELECT name FROM dumped WHERE readable AND relkind <> 'S' AND row_security_active(oid) AND forced ORDER BY 1) AS forced,
    ARRAY(
      SELECT 'large object ' || m.oid FROM pg_largeobject_metadata m
      WHERE NOT pg_has_role(m.lomowner, 'USAGE') AND NOT EXISTS (
        SELECT FROM aclexplode(m.lomacl) a
        WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
      ORDER BY m.oid LIMIT 100) AS "unreadableObjects",
    CASE WHEN r.rolsuper THEN '{}' ELSE ARRAY(
      SELECT format('event trigger %I', t.evtname) FROM pg_event_trigger t
      WHERE NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = t.oid AND d.deptype = 'e')
      UNION ALL SELECT format('publication %I', pubname) FROM pg_publication WHERE puballtables
      UNION ALL SELECT format('extension %I', e.extname)
        FROM pg_extension e JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion
        WHERE v.superuser AND (to_jsonb(v) ->> 'trusted') IS DISTINCT FROM 'true' AND e.extname <> 'plpgsql'
      UNION ALL SELECT own.kind || ' ' || own.name
        FROM (
          SELECT 'pg_opfamily'::regclass AS class, oid, 'operator family' AS kind, opfname AS name FROM pg_opfamily
          UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 'foreign-data wrapper', fdwname FROM pg_foreign_data_wrapper
          UNION ALL SELECT 'pg_am'::regclass, oid, 'access method', amname FROM pg_am
          UNION ALL SELECT 'pg_ts_parser'::regclass, oid, 'text search parser', prsname FROM pg_ts_parser
          UNION ALL SELECT 'pg_ts_template'::regclass, oid, 'text search template', tmplname FROM pg_ts_template) own
        WHERE own.oid >= 16384 AND NOT EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = own.class AND d.objid = own.oid AND d.deptype = 'e')
      UNION ALL SELECT format('function %s', p.oid::regprocedure)
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE NOT l.lanpltrusted AND p.oid >= 16384 AND NOT EXISTS (
          SELECT FROM pg_depend d
          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
      ORDER BY 1) END AS "ofSuperusers",
    CASE WHEN r.rolsuper THEN '{}' ELSE ARRAY(
      SELECT quote_ident(subname) FROM pg_subscription WHERE subdbid = d.oid ORDER BY 1) END AS subscriptions,
    CASE WHEN r.rolsuper THEN '{}' ELSE ARRAY(
      SELECT DISTINCT quote_ident(srvname) FROM pg_user_mappings WHERE umoptions IS NULL ORDER BY 1) END AS mappings,
    json_build_object(
      'role', json_build_object(
        'limit', CASE WHEN NOT login.rolsuper AND login.rolconnlimit >= 0 THEN login.rolconnlimit END,
        'taken', (SELECT count(*) FROM pg_stat_activity WHERE usesysid = login.oid AND pid <> pg_backend_pid())),
      'database', json_build_object(
        'limit', CASE WHEN NOT login.rolsuper AND d.datconnlimit >= 0 THEN d.datconnlimit END,
        'taken', (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid AND pid <> pg_backend_pid())),
      'server', json_build_object(
        'limit', current_setting('max_connections')::int - CASE WHEN login.rolsuper THEN 0
          ELSE current_setting('superuser_reserved_connections')::int + kept.connections END,
        'reserved', CASE WHEN login.rolsuper THEN 0 ELSE kept.connections END,
        'max', current_setting('max_connections')::int,
        -- To a role that may not see what others do, the type of their sessions is hidden.
        'taken', (
          SELECT count(*) FROM pg_stat_activity
          WHERE datid IS NOT NULL AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
            AND pid NOT IN (SELECT pid FROM pg_stat_replication) AND pid <> pg_backend_pid()))
    ) AS limits,
    clock_timestamp() AS now
  FROM pg_roles r, pg_roles login, pg_database d, LATERAL (
    SELECT CASE WHEN EXISTS (
        SELECT FROM pg_roles p
        WHERE p.rolname = 'pg_use_reserved_connections' AND pg_has_role(login.oid, p.oid, 'USAGE'))
      THEN 0 ELSE coalesce(current_setting('reserved_connections', true)::int, 0) END AS connections) kept
  WHERE r.rolname = current_user AND login.rolname = session_user AND d.datname = current_database()`;

/** @param client a connection to the database `name`, which is backed up */
export async function readRights(client: pg.Client, name: string): Promise<Rights> {
  try {
    const memberships = await readMemberships(client);
    const ownerLack = await lackToReplace(client, name);
    const contentLacks = await lackToRecreate(client);
    const { rows } =
      await client.query<Omit<Rights, keyof Memberships | 'ownerLack' | 'contentLacks'>>(RIGHTS);
    if (rows[0] !== undefined) return { ...memberships, ownerLack, contentLacks, ...rows[0] };
  } catch (error) {
    throw databaseError('cannot read the role’s rights', error);
  }
  throw new Error('the role is not in pg_roles');
}
