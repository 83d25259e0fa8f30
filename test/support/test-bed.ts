import { readConfig } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import type { Logger } from '../../src/ui/log.ts';
import type { StartProgress } from '../../src/ui/progress.ts';
import { startBedServer } from './bed-server.ts';
import { createTestDatabase, type Environment, listDatabaseNames, type TestDatabase } from './database.ts';
import type { S3Server } from './s3-server/server.ts';
import { scratchDirectory } from './scratch-directory.ts';
import { type ProgramResult, type RunOptions, runProgram, storeEnv } from './topobank-backup.ts';

/** A database and an S3 server of a test file's own, and both of the tool's ways to them. */
export interface TestBed {
  readonly database: TestDatabase;
  readonly server: S3Server;
  /** For files; removed with all that is in it. */
  readonly directory: string;
  /** The variables that make the program work on this database and this server. */
  readonly env: Environment;
  /** Runs the program with {@link env}; variables that are given are added, and undefined ones left out. */
  run(
    args: readonly string[],
    env?: Readonly<Record<string, string | undefined>>,
    options?: RunOptions,
  ): Promise<ProgramResult>;
  /** What operations take, when they are called without the program. */
  readonly store: Store;
  readonly tool: Database;
  /** Names of the database and of all that the tool has made beside it. */
  databases(): Promise<string[]>;
  /** Keys in the bucket; empty also when there is none. */
  keys(): Promise<string[]>;
  /** Uploads that were begun and neither completed nor aborted. */
  pendingUploads(): Promise<string[]>;
  close(): Promise<void>;
}

/**
 * @param options what follows `CREATE DATABASE name`
 * @param now the S3 server's clock
 */
export async function createTestBed(
  postgres: Environment,
  options = '',
  now = () => new Date(),
): Promise<TestBed> {
  const scratch = scratchDirectory('bed');
  const { server, variables, removeAll } = await startBedServer(`${scratch.path}/s3`, now);
  const database = await createTestDatabase(postgres, options);
  const env = { ...database.env, ...storeEnv(server), ...variables };
  const config = readConfig({ env, flags: {} }, ['database', 'store']);
  const store = openStore({ ...config, serverWait: 1000 });
  const signal = new AbortController().signal;
  await store.ensureBucket(signal);

  async function collect<T>(items: AsyncIterable<T>, tell: (item: T) => string): Promise<string[]> {
    const told: string[] = [];
    for await (const item of items) told.push(tell(item));
    return told;
  }

  return {
    database,
    server,
    directory: scratch.path,
    env,
    run: (args, more = {}, runOptions = {}) => {
      const all = Object.entries({ ...env, ...more });
      return runProgram(args, Object.fromEntries(all.filter(isGiven)), runOptions);
    },
    store,
    tool: openDatabase(config, {}),
    databases: async () =>
      (await listDatabaseNames(postgres)).filter((name) => name.startsWith(database.name)),
    keys: () => collect(store.list('', { signal }), ({ key }) => key),
    pendingUploads: () => collect(store.listUploads('', signal), ({ key }) => key),
    async close() {
      await removeAll(store);
      store.close();
      await database.drop();
      await server.close();
      scratch.remove();
    },
  };
}

function isGiven(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined;
}

/** A log that keeps what it is told: `warn: database x is left over`. */
export function keepingLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => {
    lines.push(`${level}: ${message}`);
  };
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

export const noProgress: StartProgress = () => ({ add: () => {}, step: () => {}, stop: () => {} });
