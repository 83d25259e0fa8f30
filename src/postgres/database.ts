import pg from 'pg';
import type { Secret } from '../config/secret.ts';
import { DatabaseError } from '../errors.ts';
import { databaseError, errorCode } from './errors.ts';
import { planTls } from './tls.ts';

/** Where the server is and who asks. */
export interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret | undefined;
  /** The database that is backed up and restored. */
  readonly database: string;
  readonly maintenanceDatabase: string;
}

/** A PostgreSQL server and the database on it that the tool works for. */
export interface Database {
  readonly name: string;
  readonly maintenanceName: string;
  readonly user: string;
  /** For messages: `localhost:5432`. */
  readonly server: string;

  /**
   * Runs `work` with a connection to `database` and closes it. When `signal` is aborted the connection is broken off
   * and the signal's reason is thrown.
   *
   * @throws DatabaseError when no connection can be made
   */
  use<T>(database: string, signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T>;

  /** The environment of a child process such as pg_dump: everything that was given, with the connection as `PG*`. */
  childEnv(database: string): NodeJS.ProcessEnv;
}

/** @param env the program's environment, of which libpq's `PG*` variables are honoured */
export function openDatabase(settings: DatabaseSettings, env: NodeJS.ProcessEnv): Database {
  const tls = planTls(settings.host, env);
  let ssl = tls.ssl;

  async function connect(database: string, signal: AbortSignal): Promise<pg.Client> {
    signal.throwIfAborted();
    const client = new pg.Client({
      host: settings.host,
      port: settings.port,
      user: settings.user,
      database,
      ssl,
      keepAlive: true,
      application_name: 'topobank-backup',
      connectionTimeoutMillis: Number(env.PGCONNECT_TIMEOUT || 15) * 1000,
      ...(settings.password === undefined ? {} : { password: settings.password.reveal() }),
      ...(env.PGOPTIONS ? { options: env.PGOPTIONS } : {}),
    });
    // A connection that breaks while no query runs has no other listener; the next query reports it.
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      client.end().catch(() => {});
      if (tls.fallBack && ssl !== false && /does not support SSL/.test(String(error))) {
        ssl = false;
        return connect(database, signal);
      }
      throw connectError(error, database);
    }
    return client;
  }

  const server = `${settings.host}:${settings.port}`;

  function connectError(error: unknown, database: string): Error {
    const doing = `cannot connect to database ${database} on ${server} as ${settings.user}`;
    if (errorCode(error) !== '55000') return databaseError(doing, error);
    return new DatabaseError({
      doing,
      problem: 'the database refuses connections, as after a restore that was cut off',
      remedy: `run on database ${settings.maintenanceDatabase}: ALTER DATABASE ${pg.escapeIdentifier(database)} ALLOW_CONNECTIONS true;`,
      cause: error,
    });
  }

  return {
    name: settings.database,
    maintenanceName: settings.maintenanceDatabase,
    user: settings.user,
    server,
    async use(database, signal, work) {
      const client = await connect(database, signal);
      const breakOff = () => {
        socketOf(client).destroy();
      };
      signal.addEventListener('abort', breakOff);
      try {
        signal.throwIfAborted();
        return await work(client);
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      } finally {
        signal.removeEventListener('abort', breakOff);
        await client.end().catch(() => {});
      }
    },
    childEnv: (database) => ({
      ...env,
      PGHOST: settings.host,
      PGPORT: String(settings.port),
      PGUSER: settings.user,
      PGDATABASE: database,
      PGAPPNAME: 'topobank-backup',
      ...(settings.password === undefined ? {} : { PGPASSWORD: settings.password.reveal() }),
    }),
  };
}

function socketOf(client: pg.Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
}
