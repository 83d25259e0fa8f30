import pg from 'pg';
import type { Secret } from '../config/secret.ts';
import { ConfigError, DatabaseError, type OperatorError } from '../errors.ts';
import { databaseError, describeCause, errorCode, NOT_SERVED } from './errors.ts';
import { readPasswordFile } from './password-file.ts';
import { SQLSTATE } from './sqlstate.ts';
import { planTls } from './tls.ts';

/** How long connecting may take if `PGCONNECT_TIMEOUT` is not set, in seconds. */
const CONNECT_SECONDS = 15;

/** Errors for a database that does not exist, or that the role may not connect to. */
const NOT_THERE = new Set<string>([SQLSTATE.invalidCatalogName, SQLSTATE.insufficientPrivilege]);

/** As remedies list them. */
const OWN_VARIABLE = '\\bPOSTGRES_(?:HOST|PORT|USER|PASSWORD|DB)\\b';
const OWN_VARIABLES = new RegExp(`${OWN_VARIABLE}(?:(?:,| and) ${OWN_VARIABLE})*`, 'g');

/** libpq variables that lead to another server than the settings do, and override them (manual §34.15). */
const LEADING_ELSEWHERE = ['PGHOSTADDR', 'PGSERVICE', 'PGSERVICEFILE'];

/** Where the server is and who connects. */
interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret | undefined;
  /** The database to back up and restore. */
  readonly database: string;
  readonly maintenanceDatabase: string;
  /** The one variable that gives all of this, for errors; by default each has one of its own (`POSTGRES_HOST`). */
  readonly from?: string;
}

/** A PostgreSQL server and the database on it that the tool works on. */
export interface Database {
  readonly name: string;
  readonly maintenanceName: string;
  readonly user: string;
  /** For messages: `localhost:5432`. */
  readonly server: string;

  /**
   * Runs `work` with a connection to `database` and closes it. If `signal` is aborted, the connection is broken off,
   * even while it is being made, and the signal's reason is thrown.
   *
   * @throws DatabaseError if no connection can be made
   */
  use<T>(database: string, signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T>;

  /**
   * The environment for a child process (pg_dump): the given one, with the connection as `PG*`, and without variables
   * that would lead to another server.
   */
  childEnv(database: string): NodeJS.ProcessEnv;
}

/**
 * @param env the program's environment, whose `PG*` variables of libpq are honoured
 * @throws ConfigError for such a variable that cannot be read
 */
export function openDatabase(settings: DatabaseSettings, env: NodeJS.ProcessEnv): Database {
  const tls = planTls(settings.host, env);
  const connectSeconds = readConnectTimeout(env);
  const server = `${settings.host}:${settings.port}`;
  let ssl = tls.ssl;

  async function connect(database: string, signal: AbortSignal, tried = ssl): Promise<Connection> {
    signal.throwIfAborted();
    const { host, port, user, password } = settings;
    const client = new pg.Client({
      host,
      port,
      user,
      database,
      password: password?.reveal() ?? (() => readPasswordFile({ host, port, user, database })),
      ssl: tried,
      keepAlive: true,
      application_name: 'topobank-backup',
      connectionTimeoutMillis: connectSeconds * 1000,
      ...(env.PGOPTIONS ? { options: env.PGOPTIONS } : {}),
    });
    // A connection that breaks between queries has no other listener; the next query reports it.
    client.on('error', () => {});
    const release = breakOffOnAbort(client, signal);
    try {
      await client.connect();
      await settleSession(client);
      return { client, release };
    } catch (error) {
      release();
      client.end().catch(() => {});
      signal.throwIfAborted();
      if (tls.fallBack !== undefined && tried === tls.ssl && (isWithoutTls(error) || isNotAdmitted(error))) {
        const connection = await connect(database, signal, tls.fallBack).catch((second: Error) => {
          // If the server refuses both ways, what it said first is the reason.
          const isNoBetter = !isWithoutTls(error) && (isWithoutTls(second) || isNotAdmitted(second.cause));
          throw isNoBetter ? connectError(error, database) : second;
        });
        ssl = tls.fallBack;
        return connection;
      }
      throw connectError(error, database);
    }
  }

  function connectError(error: unknown, database: string): Error {
    const doing = `cannot connect to database ${database} on ${server} as ${settings.user}`;
    const code = errorCode(error);
    const problem = describeCause(error);
    const isNotThere = NOT_SERVED.test(problem) || (code !== undefined && NOT_THERE.has(code));
    if (database === settings.maintenanceDatabase && isNotThere) {
      const from = settings.from ?? 'POSTGRES_MAINTENANCE_DB';
      const remedy = `set ${from} to a database that the role may connect to`;
      return new DatabaseError({ doing, problem, remedy, cause: error });
    }
    if (code !== SQLSTATE.objectNotInPrerequisiteState) return namingSource(databaseError(doing, error));
    if (/invalid database/.test(problem)) {
      const drop = `DROP DATABASE ${pg.escapeIdentifier(database)};`;
      const remedy = `restore it, which drops what is left of it; or run on database ${settings.maintenanceDatabase}: ${drop}`;
      return new DatabaseError({ doing, problem, remedy, cause: error });
    }
    return new DatabaseError({
      doing,
      problem: 'it refuses connections, as after a restore that was killed during the swap',
      remedy: `run on database ${settings.maintenanceDatabase}: ${openAgain(database)}`,
      cause: error,
    });
  }

  /** The remedies name the variables that usually give the settings. */
  function namingSource(error: OperatorError): OperatorError {
    const { doing, problem, remedy, cause } = error;
    const { from } = settings;
    if (from === undefined || remedy === undefined || !(error instanceof DatabaseError)) return error;
    return new DatabaseError({ doing, problem, remedy: remedy.replace(OWN_VARIABLES, from), cause });
  }

  return {
    name: settings.database,
    maintenanceName: settings.maintenanceDatabase,
    user: settings.user,
    server,
    async use(database, signal, work) {
      const { client, release } = await connect(database, signal);
      try {
        signal.throwIfAborted();
        return await work(client);
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      } finally {
        release();
        await client.end().catch(() => {});
      }
    },
    childEnv: (database) => ({
      ...Object.fromEntries(
        // An empty variable counts as not set (compose writes `${PGSSLMODE:-}`), but not to libpq.
        Object.entries(env).filter(
          ([name, value]) => !LEADING_ELSEWHERE.includes(name) && !(name.startsWith('PG') && value === ''),
        ),
      ),
      PGHOST: settings.host,
      PGPORT: String(settings.port),
      PGUSER: settings.user,
      PGDATABASE: database,
      PGAPPNAME: 'topobank-backup',
      ...(settings.password === undefined ? {} : { PGPASSWORD: settings.password.reveal() }),
    }),
  };
}

/**
 * Whether pg_hba.conf admits no such connection; it may admit one that is encrypted if this one was not, or the
 * reverse.
 */
function isNotAdmitted(error: unknown): boolean {
  return errorCode(error) === SQLSTATE.invalidAuthorizationSpecification;
}

function isWithoutTls(error: unknown): boolean {
  return /does not support SSL/.test(String(error));
}

/** The statement that makes a database accept connections again. */
export function openAgain(database: string): string {
  return `ALTER DATABASE ${pg.escapeIdentifier(database)} ALLOW_CONNECTIONS true;`;
}

/** Each is set only if the server knows it (manual §20.11.1): the last two came with PostgreSQL 14 and 17. */
const TIME_LIMITS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_timeout',
];

/**
 * Overrides what a role or a database may have set for its application, as pg_dump does for itself: time limits would
 * end a long dump or restore, times in another style would not be understood, and a restore has to write.
 */
export async function settleSession(client: pg.Client): Promise<void> {
  // By itself, because a limit of a millisecond holds until this statement ends, and would end what follows it.
  await client.query('SET statement_timeout = 0');
  await client.query(
    `SET DateStyle = ISO;
     SET default_transaction_read_only = off;
     SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN (${TIME_LIMITS.map(pg.escapeLiteral).join(', ')})`,
  );
}

interface Connection {
  readonly client: pg.Client;
  /** Stops listening for the abort. */
  readonly release: () => void;
}

function breakOffOnAbort(client: pg.Client, signal: AbortSignal): () => void {
  // Looked up at the abort, because the socket is replaced once TLS has begun.
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  const breakOff = () => connection.stream.destroy();
  signal.addEventListener('abort', breakOff);
  return () => signal.removeEventListener('abort', breakOff);
}

/** In seconds; libpq takes 0 as no limit (manual §34.15). */
function readConnectTimeout({ PGCONNECT_TIMEOUT }: NodeJS.ProcessEnv): number {
  if (!PGCONNECT_TIMEOUT) return CONNECT_SECONDS;
  if (/^\d{1,6}$/.test(PGCONNECT_TIMEOUT)) return Number(PGCONNECT_TIMEOUT);
  throw new ConfigError({
    doing: 'cannot read the configuration',
    problem: `PGCONNECT_TIMEOUT: ${JSON.stringify(PGCONNECT_TIMEOUT)} is not accepted`,
    remedy: 'give a number of seconds',
  });
}
