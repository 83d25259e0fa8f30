import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { storeEnv } from '../support/topobank-backup.ts';
import type { Bench } from './bench.ts';
import { fillDatabase } from './databases.ts';
import { startServerProcess } from './server-process.ts';

const S3_PROCESS = fileURLToPath(new URL('./s3-process.ts', import.meta.url));

export interface BenchOptions {
  /** Bytes of dump text of the large database; the small one has a tenth. */
  readonly bytes: number;
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly say: (what: string) => void;
}

/** Runs `work` with both servers and two filled databases, and leaves nothing of them, however it ends. */
export async function withBench(options: BenchOptions, work: (bench: Bench) => Promise<void>): Promise<void> {
  const { signal, say } = options;
  const directory = scratchDirectory('bench');
  try {
    const postgres = await startPostgres({ directory: directory.path, signal });
    try {
      const s3 = await startServerProcess(S3_PROCESS, join(directory.path, 's3'));
      try {
        const env = { ...postgres.env, POSTGRES_DB: 'large', ...storeEnv(s3) };
        const large = { name: 'large', bytes: options.bytes };
        const small = { name: 'small', bytes: options.bytes / 10 };
        for (const { name, bytes } of [large, small]) {
          say(`filling database ${name}`);
          await fillDatabase(env, name, bytes, signal);
        }
        const pgEnv = {
          PATH: process.env.PATH,
          PGHOST: postgres.host,
          PGPORT: String(postgres.port),
          PGUSER: postgres.user,
          PGPASSWORD: postgres.password,
        };
        await work({
          env,
          pgEnv: pgEnv as Record<string, string>,
          binDir: postgres.binDir,
          directory: directory.path,
          large,
          small,
          rounds: options.rounds,
          signal,
          say,
        });
      } finally {
        await s3.stop();
      }
    } finally {
      await postgres.stop();
    }
  } finally {
    directory.remove();
  }
}
