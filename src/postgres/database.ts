import pg from 'pg';
import type { Secret } from '../config/secret.ts';
import { ConfigError } from '../errors.ts';
import { connectError } from './connect-error.ts';
import { errorCode } from './errors.ts';
import { readPasswordFile } from './password-file.ts';
import { settleSession } from './settle-session.ts';
import { SQLSTATE } from './sqlstate.ts';
import { planTls, type TlsPlan } from './tls.ts';

/** How long connecting may take if `PGCONNECT_TIMEOUT` is not set, in seconds. */
const CONNECT_SECONDS = 15;

/**
 * How long a connection is silent before the system asks whether the server is still there, in milliseconds; it does
 * so ten times, a second apart, so a shorter time would end long statements for a short outage. By the systems' own
 * defaults a server that is gone without a word would be waited for more than two hours.
 */
const SILENT_MS = 5 * 60_000;

/**
 * How long the server may take to close a connection that is done with, in milliseconds. Nothing more is expected from
 * it, and whatever is between may have lost it without either side noticing.
 */
const CLOSING_MS = 10_000;

/** The `application_name` of connections, and of programs that are not told another one. */
const APPLICATION = 'topobank-backup';

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
   * even while it is being made, and the signal's reason is thrown, unless the work was done.
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

/** {@link Database.use} with a connection for administering the server, which is to its maintenance database. */
export function administer<T>(
  server: Pick<Database, 'use' | 'maintenanceName'>,
  signal: AbortSignal,
  work: (admin: pg.Client) => Promise<T>,
): Promise<T> {
  return server.use(server.maintenanceName, signal, work);
}

/**
 * @param env the program's environment, whose `PG*` variables of libpq are honoured
 * @param closingMs only tests set it
 * @throws ConfigError for such a variable that cannot be read
 */
export function openDatabase(
  settings: DatabaseSettings,
  env: NodeJS.ProcessEnv,
  closingMs = CLOSING_MS,
): Database {
  const tls = planTls(settings.host, env);
  const connectSeconds = readConnectTimeout(env);
  const server = showServer(settings);
  const { user, maintenanceDatabase, from } = settings;

  const refused = (database: string, error: unknown) =>
    connectError({ database, server, user, maintenanceDatabase, from }, error);

  /** Each connection may be admitted in another way, and pg_hba.conf may change while the service runs. */
  async function connect(database: string, signal: AbortSignal): Promise<Connection> {
    try {
      return await connectBy(tls.ssl, database, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (tls.fallBack === undefined || !isRefused(error)) throw refused(database, error);
      return await connectBy(tls.fallBack, database, signal).catch((second: unknown) => {
        signal.throwIfAborted();
        // If the server refuses both ways, what it said first is the reason.
        throw refused(database, !isWithoutTls(error) && isRefused(second) ? error : second);
      });
    }
  }

  /** @throws what the server says, as it is */
  async function connectBy(ssl: TlsPlan['ssl'], database: string, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    const { host, port, password } = settings;
    const client = new pg.Client({
      host,
      port,
      user,
      database,
      password: password?.reveal() ?? (() => readPasswordFile({ host, port, user, database }, env)),
      ssl,
      keepAlive: true,
      keepAliveInitialDelayMillis: SILENT_MS,
      application_name: APPLICATION,
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
      void close(client, closingMs);
      throw error;
    }
  }

  return {
    name: settings.database,
    maintenanceName: maintenanceDatabase,
    user,
    server,
    async use(database, signal, work) {
      const { client, release } = await connect(database, signal);
      try {
        signal.throwIfAborted();
        return await work(client);
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      } finally {
        // A signal is heard to the last, because this may be what is waited for.
        await close(client, closingMs);
        release();
      }
    },
    childEnv: (database) => childEnv(settings, env, database),
  };
}

/** As people write it, with brackets that tell an IPv6 address from the port. */
function showServer({ host, port }: Pick<DatabaseSettings, 'host' | 'port'>): string {
  return `${host.includes(':') && !host.startsWith('/') ? `[${host}]` : host}:${port}`;
}

/** As {@link Database.childEnv} says. */
function childEnv(
  { host, port, user, password }: DatabaseSettings,
  env: NodeJS.ProcessEnv,
  database: string,
): NodeJS.ProcessEnv {
  // An empty variable counts as not set (compose writes `${PGSSLMODE:-}`), but not to libpq.
  const isUnset = (name: string, value: string | undefined) => name.startsWith('PG') && value === '';
  const kept = Object.entries(env).filter(
    ([name, value]) => !LEADING_ELSEWHERE.includes(name) && !isUnset(name, value),
  );
  return {
    ...Object.fromEntries(kept),
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    PGAPPNAME: APPLICATION,
    ...(password === undefined ? {} : { PGPASSWORD: password.reveal() }),
  };
}

/**
 * Whether there is no such connection because the server has no TLS, or because pg_hba.conf admits none; it may admit
 * one that is encrypted if this one was not, or the reverse.
 */
function isRefused(error: unknown): boolean {
  return isWithoutTls(error) || errorCode(error) === SQLSTATE.invalidAuthorizationSpecification;
}

function isWithoutTls(error: unknown): boolean {
  return /does not support SSL/.test(String(error));
}

interface Connection {
  readonly client: pg.Client;
  /** Stops listening for the abort. */
  readonly release: () => void;
}

function breakOffOnAbort(client: pg.Client, signal: AbortSignal): () => void {
  const onAbort = () => breakOff(client);
  signal.addEventListener('abort', onAbort);
  return () => signal.removeEventListener('abort', onAbort);
}

/** Ends a session, and breaks its connection off if that takes too long. Never throws. */
async function close(client: pg.Client, closingMs: number): Promise<void> {
  const late = setTimeout(() => breakOff(client), closingMs);
  await client.end().catch(() => {});
  clearTimeout(late);
}

function breakOff(client: pg.Client): void {
  // Looked up now, because the socket is replaced once TLS has begun.
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
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
