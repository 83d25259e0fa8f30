import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './database.ts';

/** What the server's own pg_dump makes of a database of the server that `env` names. */
export async function runPgDump(env: Environment, args: readonly string[]): Promise<Buffer> {
  const { POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, PG_BINDIR } = env;
  const { stdout } = await promisify(execFile)(join(PG_BINDIR!, 'pg_dump'), args, {
    encoding: 'buffer',
    maxBuffer: 2 ** 29,
    env: {
      PGHOST: POSTGRES_HOST,
      PGPORT: POSTGRES_PORT,
      PGUSER: POSTGRES_USER,
      PGPASSWORD: POSTGRES_PASSWORD,
    },
  });
  return stdout;
}
