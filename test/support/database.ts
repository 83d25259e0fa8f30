import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A connection's settings as the tool reads them. */
export type Environment = Readonly<Record<string, string>>;

/** A database of a test's own. */
export interface TestDatabase {
  readonly name: string;
  /** The variables that make the tool work on it. */
  readonly env: Environment;
  query<R extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<R[]>;
  /** Drops it and everything that the tool made beside it. */
  drop(): Promise<void>;
}

/** Runs `work` with a connection to database `name` of the server that `env` names. */
export async function withClient<T>(
  env: Environment,
  name: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host: env.POSTGRES_HOST!,
    port: Number(env.POSTGRES_PORT),
    user: env.POSTGRES_USER!,
    password: env.POSTGRES_PASSWORD!,
    database: name,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function listDatabaseNames(env: Environment): Promise<string[]> {
  return withClient(env, 'postgres', async (client) => {
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database ORDER BY 1');
    return rows.map(({ datname }) => datname);
  });
}

/** @param options what follows `CREATE DATABASE name` */
export async function createTestDatabase(env: Environment, options = ''): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  await withClient(env, 'postgres', (client) => client.query(`CREATE DATABASE ${name} ${options}`));
  return {
    name,
    env: { ...env, POSTGRES_DB: name },
    query: (sql, values) => withClient(env, name, async (client) => (await client.query(sql, values)).rows),
    drop: () =>
      withClient(env, 'postgres', async (client) => {
        await dropSubscriptions(env, client, name);
        for (const other of await listDatabaseNames(env)) {
          if (other.startsWith(name)) await client.query(`DROP DATABASE IF EXISTS "${other}" WITH (FORCE)`);
        }
      }),
  };
}

/** A database that has one cannot be dropped; it is dropped without asking what it subscribes to. */
async function dropSubscriptions(env: Environment, admin: pg.Client, prefix: string): Promise<void> {
  const { rows } = await admin.query<{ database: string; name: string }>(
    `SELECT d.datname AS database, quote_ident(s.subname) AS name
     FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE starts_with(d.datname, $1)`,
    [prefix],
  );
  for (const { database, name } of rows) {
    await withClient(env, database, async (client) => {
      await client.query(`ALTER SUBSCRIPTION ${name} DISABLE`);
      await client.query(`ALTER SUBSCRIPTION ${name} SET (slot_name = NONE)`);
      await client.query(`DROP SUBSCRIPTION ${name}`);
    });
  }
}
