import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Owner } from './daemons.ts';
import { freePorts } from './free-ports.ts';
import { requireServerBinaries } from './postgres-binaries.ts';
import { guardPostgres } from './server-guard.ts';

const run = promisify(execFile);

/** A throwaway PostgreSQL on loopback. */
export interface PostgresServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly binDir: string;
  /** Major version, such as 15. */
  readonly version: number;
  /** The first postmaster's process id. */
  readonly pid: number;
  /** The variables that the tool reads: POSTGRES_HOST, _PORT, _USER, _PASSWORD, and PG_BINDIR. */
  readonly env: Readonly<Record<string, string>>;
  /** Shuts the server down immediately, as a crash would (manual §19.5), and waits for its end. */
  crash(): Promise<void>;
  /** Starts one that has ended, and waits until it answers. */
  startAgain(): Promise<void>;
  /** Ends the server and waits for its end; its files stay. May be called twice. */
  stop(): Promise<void>;
}

const USER = 'topobank';
const PASSWORD = 'quickstart';

const START_MS = 60_000;
const FAST_SHUTDOWN_MS = 10_000;

/** The longest path of a Unix socket that every system takes (macOS); Linux takes four bytes more. */
const SOCKET_PATH_BYTES = 103;

/** Durability is of no use to a cluster that is thrown away. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '60',
  max_wal_size: '4GB',
  max_prepared_transactions: '10',
  autovacuum: 'off',
  shared_buffers: '256MB',
};

/**
 * Makes and starts a cluster in `directory`, which has to exist under directories that everybody may traverse; as
 * root the server runs as an unprivileged user, who gets the directory. A Unix socket lies in it too, unless its path
 * is too long for one. Should this process die before `stop`, the server is ended and the directory removed.
 *
 * @throws Error when there is no server to start, when it does not come up, or the signal's reason
 */
export async function startPostgres(options: {
  readonly directory: string;
  /** Over those that every such server has. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More arguments for initdb. */
  readonly initdb?: readonly string[];
  /** Makes it a hot standby of this one, which has to run. */
  readonly standbyOf?: PostgresServer;
  readonly signal?: AbortSignal;
}): Promise<PostgresServer> {
  const { directory, signal, settings = {}, initdb = [], standbyOf } = options;
  const binDir = requireServerBinaries(process.env);
  const owner = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const data = join(directory, 'postgres');
  mkdirSync(data, { mode: 0o700 });
  if (owner !== undefined) for (const path of [directory, data]) chownSync(path, owner.uid, owner.gid);

  const guard = guardPostgres(directory, data);
  try {
    await (standbyOf === undefined
      ? makeCluster(binDir, data, owner, initdb, signal)
      : copyCluster(standbyOf, data, owner, signal));
    const { port } = await freePorts('port');
    const connection = { host: '127.0.0.1', port, user: USER, password: PASSWORD } as const;
    const log = join(directory, 'postgres.log');
    const place = { binDir, data, directory, port: connection.port, log, settings };
    const start = async () => {
      const server = spawnServer(place, owner);
      const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
      const version = await untilReady(server, connection, log, signal).catch(async (error: unknown) => {
        await stopServer(server, ended);
        throw error;
      });
      return { server, ended, version };
    };
    let running = await start();
    return {
      ...connection,
      binDir,
      version: running.version,
      pid: running.server.pid ?? 0,
      env: {
        POSTGRES_HOST: connection.host,
        POSTGRES_PORT: String(connection.port),
        POSTGRES_USER: USER,
        POSTGRES_PASSWORD: PASSWORD,
        PG_BINDIR: binDir,
      },
      async crash() {
        running.server.kill('SIGQUIT');
        await running.ended;
      },
      async startAgain() {
        running = await start();
      },
      async stop() {
        await stopServer(running.server, running.ended);
        await guard.dismiss();
      },
    };
  } catch (error) {
    await guard.dismiss();
    throw error;
  }
}

async function makeCluster(
  binDir: string,
  data: string,
  owner: Owner | undefined,
  more: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const passwordFile = `${data}-password`;
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  const locale = await utf8Locale();
  const args = [
    '-D',
    data,
    '-U',
    USER,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '-E',
    'UTF8',
    '-N',
  ];
  try {
    const env = { PATH: process.env.PATH, LC_ALL: locale };
    await runAs(owner, join(binDir, 'initdb'), [...args, `--locale=${locale}`, ...more], env, signal);
  } finally {
    rmSync(passwordFile);
  }
}

/** A copy that follows the other server (manual, "pg_basebackup"). */
async function copyCluster(
  { binDir, host, port, user, password }: PostgresServer,
  data: string,
  owner: Owner | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const args = [
    '-D',
    data,
    '-h',
    host,
    '-p',
    String(port),
    '-U',
    user,
    '--write-recovery-conf',
    '--checkpoint=fast',
  ];
  const env = { PATH: process.env.PATH, PGPASSWORD: password };
  await runAs(owner, join(binDir, 'pg_basebackup'), args, env, signal);
}

/** @throws the program's error, or the signal's reason */
async function runAs(
  owner: Owner | undefined,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await run(program, args, { ...owner, cwd: '/', env, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** C.UTF-8 sorts by code point and knows letters; where the C library lacks it, C also takes the encoding UTF8. */
async function utf8Locale(): Promise<string> {
  const { stdout } = await run('locale', ['-a']);
  return stdout.split('\n').find((name) => /^C\.utf-?8$/i.test(name)) ?? 'C';
}

function spawnServer(
  place: Record<'binDir' | 'data' | 'directory' | 'log', string> & {
    readonly port: number;
    readonly settings: Readonly<Record<string, string>>;
  },
  owner: Owner | undefined,
): ChildProcess {
  const socket = join(place.directory, `.s.PGSQL.${place.port}`);
  const sockets = Buffer.byteLength(socket) <= SOCKET_PATH_BYTES ? place.directory : '';
  const args = ['-D', place.data, '-p', String(place.port), '-k', sockets];
  for (const [name, value] of Object.entries({ ...SETTINGS, ...place.settings }))
    args.push('-c', `${name}=${value}`);
  const output = openSync(place.log, 'a');
  try {
    // In a process group of its own: Ctrl-C goes to us, and we end the server in our order.
    return spawn(join(place.binDir, 'postgres'), args, {
      ...owner,
      cwd: '/',
      detached: true,
      stdio: ['ignore', output, output],
    });
  } finally {
    closeSync(output);
  }
}

/** Fast shutdown, then immediate shutdown (manual §19.5). */
async function stopServer(server: ChildProcess, ended: Promise<void>): Promise<void> {
  server.kill('SIGINT');
  const impatience = setTimeout(() => server.kill('SIGQUIT'), FAST_SHUTDOWN_MS);
  await ended;
  clearTimeout(impatience);
}

export function unprivilegedUser(): Owner {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${wanted}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody');
}

/**
 * The server tells nobody when it is ready, so it is asked until it answers.
 *
 * @returns its major version
 */
async function untilReady(
  server: ChildProcess,
  connection: pg.ClientConfig,
  log: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  let failure: Error | undefined;
  server.once('error', (error) => {
    failure = error;
  });
  const deadline = performance.now() + START_MS;
  for (;;) {
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
    if (server.exitCode !== null || server.signalCode !== null || performance.now() > deadline) {
      throw new Error(`PostgreSQL did not start:\n${readFileSync(log, 'utf8')}`);
    }
    const client = new pg.Client({ ...connection, database: 'postgres' });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string }>(
        "SELECT current_setting('server_version_num') AS version",
      );
      await client.end();
      return Math.floor(Number(rows[0]?.version) / 10_000);
    } catch {
      await delay(50);
    }
  }
}
