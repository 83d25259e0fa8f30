import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inject, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { storeEnv } from '../support/topobank-backup.ts';
import { type CommandResult, runCommand, tryCommand } from './command.ts';
import { docker, dockerClient } from './engine/docker.ts';

export const S3_USER = 'topobank';
export const S3_SECRET = 'secret-of-the-store';
export const DATABASE_PASSWORD = 'secret-of-the-database';

const EVENT_MS = 120_000;

export interface StackOptions {
  /** Compose files of the project, by their paths from its root; docker-compose merges them into `file`. */
  readonly from: readonly string[];
  /** `production.yml`, `local.yml` */
  readonly file: string;
  /** Files beside it: their paths and what they hold. */
  readonly files?: Readonly<Record<string, string>>;
}

/** One compose project in a directory of its own. */
export interface Stack {
  /** Starts services, PostgreSQL among them, and returns when it takes connections. */
  start(...services: readonly string[]): Promise<void>;
  /** Runs a command line in that directory, as an operator types it; it has to succeed. @returns its stdout */
  run(commandLine: string): Promise<string>;
  /** The same, whatever its exit status. */
  try(commandLine: string, input?: string): Promise<CommandResult>;
  /** The first line of a service's log, from its start on, that matches `pattern` after those seen by earlier calls. */
  untilLogged(service: string, pattern: RegExp): Promise<string>;
  /** Returns when the health of a service's container is the one wanted. */
  untilHealth(service: string, wanted: 'healthy' | 'unhealthy'): Promise<void>;
  /** Runs a command in a service's container. @returns its stdout */
  execute(service: string, ...command: string[]): Promise<string>;
  inspect(service: string, format: string): Promise<string>;
  /** Runs SQL as PostgreSQL's superuser. @returns what psql prints, unaligned */
  sql(text: string): Promise<string>;
  /** The bucket topobank-assets on service `s3`. */
  store(): Promise<Store & { close(): void }>;
  /** Has the server of service `s3` misbehave, see images/s3/main.ts. */
  misbehave(order: string): Promise<void>;
  /** Stops and removes all of it. */
  remove(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @param name is part of the project's name */
export async function createStack(name: string, { from, file, files = {} }: StackOptions): Promise<Stack> {
  const provided = inject('docker');
  if (provided === null) throw new Error('there is no Docker engine');
  const { engine, images } = provided;
  const directory = scratchDirectory(`stack-${name}`);
  const project = `${engine.run}-${name}`;
  const env = {
    ...engine.env,
    COMPOSE_PROJECT_NAME: project,
    TOPOBANK_BACKUP_IMAGE: images.dbbackup,
    TEST_S3_IMAGE: images.s3,
    TEST_S3_SECRET: S3_SECRET,
  };
  const options = { cwd: directory.path, env };
  for (const [path, text] of Object.entries(files)) {
    const full = join(directory.path, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
  const merge = from.flatMap((path) => ['-f', join(ROOT, path)]);
  const merged = await runCommand(
    'docker-compose',
    ['--project-directory', '.', ...merge, 'config'],
    options,
  );
  writeFileSync(join(directory.path, file), merged);

  const seen = new Map<string, number>();

  /** Compose's own ways to a container take seconds; its labels are the same in every version. */
  async function container(service: string): Promise<string> {
    const labels = { project, service, oneoff: 'False' };
    const filters = Object.entries(labels).map(
      ([key, value]) => `--filter=label=com.docker.compose.${key}=${value}`,
    );
    return (await docker(engine, ['ps', '--all', '--quiet', '--no-trunc', ...filters])).trim();
  }

  async function execute(service: string, ...command: string[]): Promise<string> {
    return docker(engine, ['exec', await container(service), ...command]);
  }

  async function address(port: number): Promise<string> {
    const [published] = (await docker(engine, ['port', await container('s3'), String(port)])).split('\n');
    return `http://${published}`;
  }

  return {
    async start(...services) {
      await runCommand('docker-compose', ['-f', file, 'up', '--detach', ...services], options);
      // Over TCP: while the cluster is being made, the server listens on its socket only.
      const isReady = () => execute('postgres', 'pg_isready', '--host=127.0.0.1');
      await vi.waitFor(isReady, { timeout: EVENT_MS, interval: 100 });
    },
    run: (commandLine) => runCommand('sh', ['-c', commandLine], options),
    try: (commandLine, input) =>
      tryCommand('sh', ['-c', commandLine], { ...options, ...(input === undefined ? {} : { input }) }),
    execute,
    async inspect(service, format) {
      const output = await docker(engine, ['inspect', '--format', format, await container(service)]);
      return output.trim();
    },
    async untilLogged(service, pattern) {
      const id = await container(service);
      const skip = seen.get(id) ?? 0;
      const found = await firstLine(
        ['logs', '--follow', id],
        engine.env,
        (line, index) => index >= skip && pattern.test(line),
      );
      seen.set(id, found.index + 1);
      return found.line;
    },
    async untilHealth(service, wanted) {
      const id = await container(service);
      // From its start on, so that nothing is missed before the stream begins.
      const args = [
        'events',
        '--since',
        '0',
        '--filter',
        `container=${id}`,
        '--filter',
        'event=health_status',
      ];
      const state = () => docker(engine, ['inspect', '--format', '{{.State.Health.Status}}', id]);
      if ((await state()).trim() === wanted) return;
      await firstLine(args, engine.env, (line) => line.includes(`health_status: ${wanted} `));
    },
    async sql(text) {
      const psql = ['psql', '--username=topobank', '--dbname=topobank', '--set=ON_ERROR_STOP=1', '-qAt'];
      return (await execute('postgres', ...psql, '--command', text)).trim();
    },
    async store() {
      const endpoint = await address(9000);
      const variables = storeEnv({ endpoint, accessKey: S3_USER, secretKey: S3_SECRET });
      return openStore(readConfig({ flags: {}, env: variables }, ['store']));
    },
    async misbehave(order) {
      const response = await fetch(`${await address(9999)}/${order}`);
      if (!response.ok) throw new Error(`the S3 server does not know ${order}`);
    },
    async remove() {
      const down = ['-f', file, 'down', '--volumes', '--remove-orphans', '--timeout', '1'];
      await runCommand('docker-compose', down, options);
      directory.remove();
    },
  };
}

/** The first line that a docker command prints and that is wanted; it is ended then. */
async function firstLine(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  isWanted: (line: string, index: number) => boolean,
): Promise<{ readonly line: string; readonly index: number }> {
  // One stream of both, in the order in which the client prints them.
  const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', dockerClient(), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: EVENT_MS,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines: string[] = [];
  try {
    return await new Promise((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => {
        lines.push(line);
        if (isWanted(line, lines.length - 1)) resolve({ line, index: lines.length - 1 });
      });
      child.once('error', reject);
      child.once('close', () =>
        reject(new Error(`docker ${args.join(' ')} never printed what was waited for:\n${lines.join('\n')}`)),
      );
    });
  } finally {
    child.kill();
    await ended;
  }
}

/** TopoBank's two files of variables, as its documentation has them. */
export function environmentFiles(
  where: '.production' | '.local',
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const lines = (variables: Readonly<Record<string, string>>) =>
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  const store =
    where === '.local'
      ? { endpoint: 'http://minio:9000', key: 'admin' }
      : { endpoint: 'http://s3:9000', key: S3_USER };
  return {
    [`.envs/${where}/.postgres`]: lines({
      POSTGRES_HOST: 'postgres',
      POSTGRES_PORT: '5432',
      POSTGRES_DB: 'topobank',
      POSTGRES_USER: 'topobank',
      POSTGRES_PASSWORD: DATABASE_PASSWORD,
    }),
    [`.envs/${where}/.django`]: lines({
      AWS_ACCESS_KEY_ID: store.key,
      AWS_SECRET_ACCESS_KEY: S3_SECRET,
      AWS_S3_ENDPOINT_URL: store.endpoint,
      AWS_STORAGE_BUCKET_NAME: 'topobank-assets',
      AWS_S3_USE_SSL: 'True',
      AWS_S3_VERIFY: 'False',
      DBBACKUP_SCHEDULE: '@daily',
      ...more,
    }),
  };
}

/** The two files of secrets that the fragments name. */
export function secretFiles(where: '.production' | '.local'): Record<string, string> {
  return {
    [`.envs/${where}/postgres_password`]: DATABASE_PASSWORD,
    [`.envs/${where}/s3_secret_key`]: `${S3_SECRET}\n`,
  };
}
