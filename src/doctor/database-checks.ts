import pg from 'pg';
import { type ClientTools, chooseClient, findClients } from '../postgres/client-binaries.ts';
import { administer, type Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { readServerVersion } from '../postgres/facts.ts';
import { findPooling, type Pooling, SHARED_SESSIONS } from '../postgres/pooler.ts';
import { describePrepared, type PreparedTransaction, preparedIn } from '../postgres/prepared-transactions.ts';
import { grantRightsOf } from '../postgres/roles.ts';
import { describeStandby, readStandby, unloggedTables } from '../postgres/standby.ts';
import { SAME_DATABASE } from '../restore/databases/check-target.ts';
import { findDatabases } from '../restore/databases/find-target.ts';
import { formatFirst } from '../ui/format.ts';
import { type DoctorFinding, examine, fault, faultOf, judgeClock, type Outcome } from './check.ts';
import { judgeLimits } from './connection-limits.ts';
import { tryDatabase } from './probe-database.ts';
import { type Rights, readRights } from './rights.ts';

/** Maximum number of names in a finding. */
const NAMED = 3;

const quote = pg.escapeIdentifier;

/** Tests what a backup and a restore need of PostgreSQL; the database that it creates for this is gone afterwards. */
export async function examineDatabase(
  database: Database,
  options: ClientTools & {
    /** Whether backups list the media that rows name. */
    readonly mediaManifest: boolean;
    readonly now: () => Date;
    readonly signal: AbortSignal;
  },
): Promise<DoctorFinding[]> {
  const source = await examineSource(database, options);
  const server = await examineServer(database, options);
  // A fault that prevents both is reported once.
  const isSame = source[0]?.state === 'fault' && server[0]?.detail === source[0].detail;
  return [...source, ...(isSame ? server.slice(1) : server)];
}

/** Checks the database that is backed up. */
async function examineSource(
  database: Database,
  options: Parameters<typeof examineDatabase>[1],
): Promise<DoctorFinding[]> {
  const { signal, now, mediaManifest } = options;
  const findings: DoctorFinding[] = [];
  const connected = await examine('database: connect', signal, () =>
    database.use(database.name, signal, async (client) => {
      const server = await readServerVersion(client);
      findings.push(
        await examine('database: pg_dump', signal, async () => {
          const found = await findClients('pg_dump', options.binDir, options.env);
          return `${chooseClient(server.major, found).version} for server ${server.version}`;
        }),
      );
      const rights = await readRights(client, database.name);
      findings.push(
        await examine('database: read all', signal, async () => judgeReading(rights)),
        await examine('database: restore', signal, async () => judgeRestoring(rights)),
        await examine('database: owners', signal, async () => judgeContents(rights)),
        await examine('database: rename', signal, async () => judgeOwner(rights)),
        await examine('database: sessions', signal, async () => judgeSessions(rights)),
        await examine('database: prepared', signal, async () =>
          judgePrepared(await preparedIn(client, database.name)),
        ),
        await examine('database: connections', signal, async () =>
          judgeLimits(rights.limits, database, mediaManifest),
        ),
        await examine('database: standby', signal, () => judgeStandby(client)),
        await examine('database: clock', signal, async () => judgeClock(rights.now, now())),
      );
      return `${database.name} on ${database.server} as ${database.user}, PostgreSQL ${server.version}`;
    }),
  );
  return [connected, ...findings];
}

/** Checks the server, as a restore needs it. */
async function examineServer(
  database: Database,
  { signal }: { readonly signal: AbortSignal },
): Promise<DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  const connected = await examine('database: maintenance', signal, () =>
    administer(database, signal, async (admin) => {
      findings.push(
        await examine('database: pooler', signal, async () =>
          judgePooling(await findPooling(database, admin, signal)),
        ),
        await examine('database: create', signal, () => tryDatabase(database, signal)),
        ...(await examineLeftovers(admin, database.name, signal)),
      );
      return judgeMaintenance(database);
    }),
  );
  return [connected, ...findings];
}

/** Reports what earlier restores that were killed have left. */
async function examineLeftovers(
  admin: pg.Client,
  name: string,
  signal: AbortSignal,
): Promise<DoctorFinding[]> {
  const check = 'database: left over';
  try {
    const { kept, traces } = await findDatabases(admin, name);
    if (traces.length > 0) {
      return traces.map(({ problem, remedy }) => ({ check, state: 'warning', detail: problem, remedy }));
    }
    const detail = kept.length === 0 ? 'nothing left by a restore' : `${kept.join(', ')}, kept by a restore`;
    return [{ check, state: 'ok', detail, remedy: undefined }];
  } catch (error) {
    signal.throwIfAborted();
    return [{ check, ...faultOf(databaseError('cannot list databases', error)) }];
  }
}

/** The role that may read everything came with PostgreSQL 14. */
function grantReading(rights: Rights): string {
  if (rights.major >= 14) return grantRightsOf('pg_read_all_data', rights);
  const grants = [
    'USAGE ON SCHEMA …',
    ...['TABLES', 'SEQUENCES'].map((all) => `SELECT ON ALL ${all} IN SCHEMA …`),
  ];
  return grants.map((grant) => `GRANT ${grant} TO ${quote(rights.role)}`).join('; ');
}

function judgeReading(rights: Rights): Outcome {
  const { role, unreadable, unreadableObjects, hidden, forced, subscriptions, mappings } = rights;
  if (unreadable.length > 0) {
    return fault(
      `${formatFirst(unreadable, NAMED)} cannot be read`,
      `${grantReading(rights)}, or use the owner`,
    );
  }
  if (unreadableObjects.length > 0) {
    return fault(
      `${formatFirst(unreadableObjects, NAMED)} cannot be read`,
      `have their owners GRANT SELECT ON LARGE OBJECT … TO ${quote(role)}, or use a superuser`,
    );
  }
  if (hidden.length > 0) {
    const unforce = forced.map((table) => `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`);
    return fault(
      `row-level security hides rows of ${formatFirst(hidden, NAMED)}`,
      `ALTER ROLE ${quote(role)} BYPASSRLS, or ${unforce.length === 0 ? 'use the owner' : `for the owner: ${formatFirst(unforce, NAMED)}`}`,
    );
  }
  const lacking = [
    ...subscriptions.map((name) => `subscription ${name}`),
    ...mappings.map((server) => `any options of the user mappings for server ${server}`),
  ];
  if (lacking.length > 0) {
    return {
      state: 'warning',
      detail: `backups lack ${formatFirst(lacking, NAMED)}, because the role is not a superuser`,
      remedy: 'use a superuser (POSTGRES_USER), or keep the statements that create them at hand',
    };
  }
  return 'every table and sequence can be read';
}

function judgeRestoring({ ofSuperusers }: Rights): Outcome {
  if (ofSuperusers.length === 0) return 'nothing that is looked for needs a superuser to restore it';
  return {
    state: 'warning',
    detail: `only a superuser can restore ${formatFirst(ofSuperusers, NAMED)}`,
    remedy: 'have a superuser at hand to restore with (POSTGRES_USER)',
  };
}

function judgeContents({ contentLacks }: Rights): Outcome {
  const [first] = contentLacks;
  if (first === undefined) return 'the role may restore what belongs to others';
  const names = contentLacks.map(({ owner }) => JSON.stringify(owner));
  const isOne = names.length === 1;
  const why = isOne ? first.why : 'this role may not SET ROLE to them and use their rights';
  const owners = `the role${isOne ? '' : 's'} ${formatFirst(names, NAMED)}`;
  const grants = contentLacks.flatMap(({ grant }) => grant ?? []);
  return fault(
    `some of its objects belong to ${owners}, and ${why}, so a restore cannot give them back`,
    grants.length < names.length
      ? 'restore as a superuser (POSTGRES_USER), or with --no-owner'
      : `${grants.join('; ')}, or restore with --no-owner`,
  );
}

async function judgeStandby(client: pg.Client): Promise<Outcome> {
  const standby = await readStandby(client);
  if (standby === undefined) return 'the server is a primary';
  const unlogged = await unloggedTables(client);
  const lacks =
    unlogged.length === 0 ? '' : `, and backups lack the rows of unlogged ${formatFirst(unlogged, NAMED)}`;
  return {
    state: 'warning',
    detail: `${describeStandby(standby)}${lacks}`,
    remedy: 'set POSTGRES_HOST to the primary to restore, or to act on orphans',
  };
}

function judgeOwner({ ownerLack }: Rights): Outcome {
  if (ownerLack === undefined) return 'the role may rename the database';
  const { owner, inherits, why, remedy } = ownerLack;
  const belongs = `the database belongs to the role ${JSON.stringify(owner)}, and ${why}`;
  return inherits
    ? fault(`${belongs}, so a restore cannot give it the new one`, `${remedy}, or restore with --no-owner`)
    : fault(`${belongs}, so a restore cannot swap it`, remedy);
}

function judgeMaintenance({ name, maintenanceName }: Database): Outcome {
  if (name !== maintenanceName) return `can connect to ${maintenanceName}`;
  const { problem, remedy } = SAME_DATABASE;
  return fault(`${problem}, so a restore cannot replace it`, remedy);
}

function judgePooling(pooling: Pooling): Outcome {
  if (pooling === 'none') return 'none between here and the server';
  if (pooling === 'session') return 'keeps a session for each connection';
  return fault(SHARED_SESSIONS.problem, SHARED_SESSIONS.remedy);
}

function judgeSessions(rights: Rights): Outcome {
  if (rights.mayTerminate) return 'the role may end other sessions';
  return {
    state: 'warning',
    detail: 'the role may end only its own sessions',
    remedy: `${grantRightsOf('pg_signal_backend', rights)}, or stop the application before a restore`,
  };
}

function judgePrepared(prepared: readonly PreparedTransaction[]): Outcome {
  if (prepared.length === 0) return 'no prepared transactions';
  const { problem, remedy } = describePrepared(prepared);
  return { state: 'warning', detail: problem, remedy };
}
