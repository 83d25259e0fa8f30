import type pg from 'pg';
import { chooseClient, findClients } from '../postgres/client-binaries.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { readServerVersion } from '../postgres/facts.ts';
import { examine, type Finding, judgeClock } from './check.ts';

interface Rights {
  readonly mayCreate: boolean;
  readonly ownsDatabase: boolean;
  readonly mayTerminate: boolean;
  readonly unreadable: string[];
  readonly now: Date;
}

/** Tables that pg_dump has to read and the role may not; rights that a restore needs. */
const RIGHTS = `
  SELECT
    (r.rolsuper OR r.rolcreatedb) AS "mayCreate",
    pg_has_role(r.oid, d.datdba, 'USAGE') AS "ownsDatabase",
    (r.rolsuper OR pg_has_role(r.oid, 'pg_signal_backend', 'USAGE')) AS "mayTerminate",
    ARRAY(
      SELECT format('%I.%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT has_table_privilege(c.oid, 'SELECT')
      ORDER BY 1) AS unreadable,
    clock_timestamp() AS now
  FROM pg_roles r, pg_database d
  WHERE r.rolname = current_user AND d.datname = current_database()`;

/** Tries what a backup and a restore need of PostgreSQL; changes nothing. */
export async function examineDatabase(
  database: Database,
  options: {
    readonly binDir: string | undefined;
    readonly env: NodeJS.ProcessEnv;
    readonly now: () => Date;
    readonly signal: AbortSignal;
  },
): Promise<Finding[]> {
  const { signal } = options;
  const findings: Finding[] = [];
  const connected = await examine('database: connect', signal, () =>
    database.use(database.name, signal, async (client) => {
      const server = await readServerVersion(client);
      findings.push(
        await examine('database: pg_dump', signal, async () => {
          const client = chooseClient(
            'pg_dump',
            server.major,
            await findClients('pg_dump', options.binDir, options.env),
          );
          return `${client.version} for server ${server.version}`;
        }),
      );
      const rights = await readRights(client);
      findings.push(...(await examineRights(database, rights, options.now(), signal)));
      return `${database.name} on ${database.server} as ${database.user}, PostgreSQL ${server.version}`;
    }),
  );
  const maintenance = await examine('database: maintenance', signal, () =>
    database.use(
      database.maintenanceName,
      signal,
      async () => `${database.maintenanceName} can be connected to`,
    ),
  );
  return [connected, ...findings, maintenance];
}

async function readRights(client: pg.Client): Promise<Rights> {
  try {
    const { rows } = await client.query<Rights>(RIGHTS);
    if (rows[0] !== undefined) return rows[0];
  } catch (error) {
    throw databaseError('cannot read the role’s rights', error);
  }
  throw new Error('the role is not in pg_roles');
}

async function examineRights(
  database: Database,
  rights: Rights,
  now: Date,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { user } = database;
  const fault = (detail: string, remedy: string) => ({ state: 'fault' as const, detail, remedy });
  return [
    await examine('database: read all', signal, async () => {
      const count = rights.unreadable.length;
      if (count === 0) return 'every table and sequence can be read';
      const shown = rights.unreadable.slice(0, 3).join(', ');
      return fault(
        `${count} cannot be read: ${shown}${count > 3 ? ', …' : ''}`,
        `GRANT pg_read_all_data TO "${user}", or use the owner`,
      );
    }),
    await examine('database: create', signal, async () =>
      rights.mayCreate
        ? 'the role may create databases'
        : fault('the role may not create databases, so it cannot restore', `ALTER ROLE "${user}" CREATEDB`),
    ),
    await examine('database: rename', signal, async () =>
      rights.ownsDatabase
        ? 'the role may rename the database'
        : fault(
            'the role does not own the database, so it cannot swap it',
            `ALTER DATABASE "${database.name}" OWNER TO "${user}"`,
          ),
    ),
    await examine('database: sessions', signal, async () =>
      rights.mayTerminate
        ? 'the role may end other sessions'
        : {
            state: 'warning',
            detail: 'the role may end its own sessions only',
            remedy: `GRANT pg_signal_backend TO "${user}", or stop the application before a restore`,
          },
    ),
    await examine('database: clock', signal, async () => judgeClock(rights.now, now)),
  ];
}
