import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { createDaemons } from './daemons.ts';
import type { Environment } from './database.ts';
import { requirePrograms } from './debian-packages.ts';
import { freePorts } from './free-ports.ts';
import { unprivilegedUser } from './postgres-server.ts';
import { scratchDirectory } from './scratch-directory.ts';

const START_MS = 30_000;

/** A throwaway PgBouncer on loopback, before a server of the tests. */
export interface Pgbouncer {
  /** The variables that lead the tool to it instead of the server. */
  readonly env: Environment;
  stop(): Promise<void>;
}

/** The program; undefined where there is none. In CI it is installed, so that no test is left out there. */
export function findPgbouncer({ PATH = '', CI }: NodeJS.ProcessEnv): string | undefined {
  // Where Debian has it, which is not on everybody's PATH.
  const directories = [...PATH.split(delimiter), '/usr/sbin'];
  if (CI) requirePrograms('PgBouncer', ['pgbouncer'], ['pgbouncer'], directories.join(delimiter));
  return directories.map((directory) => join(directory, 'pgbouncer')).find((path) => existsSync(path));
}

/**
 * Starts one before the server that `postgres` names. As root it runs as an unprivileged user.
 *
 * @param settings of its section `pgbouncer`, besides those that every one has
 * @param databases the names that it serves; all by default
 */
export async function startPgbouncer(
  program: string,
  postgres: Environment,
  settings: Environment,
  databases: readonly string[] = ['*'],
): Promise<Pgbouncer> {
  const scratch = scratchDirectory('pgbouncer');
  const { port } = await freePorts('port');
  const users = join(scratch.path, 'users.txt');
  const config = join(scratch.path, 'pgbouncer.ini');
  writeFileSync(users, `"${postgres.POSTGRES_USER}" "${postgres.POSTGRES_PASSWORD}"\n`);
  writeFileSync(
    config,
    [
      '[databases]',
      ...databases.map((name) => `${name} = host=${postgres.POSTGRES_HOST} port=${postgres.POSTGRES_PORT}`),
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    ].join('\n'),
  );
  const owner = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (owner !== undefined)
    for (const path of [scratch.path, users, config]) chownSync(path, owner.uid, owner.gid);
  const env = { ...postgres, POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: String(port) };
  const daemons = createDaemons(scratch.path, owner);
  const stop = async () => {
    await daemons.stop();
    scratch.remove();
  };
  try {
    daemons.start('pgbouncer', program, [config]);
    await daemons.untilReady(() => answers(port), START_MS, undefined);
  } catch (error) {
    await stop();
    throw error;
  }
  return { env, stop };
}

/** Whether it refuses a client that it does not know, in which it needs no server. */
async function answers(port: number): Promise<boolean> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'nobody',
    password: 'x',
    database: 'nowhere',
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    return error instanceof pg.DatabaseError;
  } finally {
    client.end().catch(() => {});
  }
  return true;
}
