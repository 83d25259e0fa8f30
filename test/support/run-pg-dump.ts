import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './database.ts';

/** The variables with which PostgreSQL's own programs reach the server that `env` names. */
export function libpqVariables(env: Environment): Record<string, string | undefined> {
  const { POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD } = env;
  return {
    PGHOST: POSTGRES_HOST,
    PGPORT: POSTGRES_PORT,
    PGUSER: POSTGRES_USER,
    PGPASSWORD: POSTGRES_PASSWORD,
  };
}

/** What the server's own pg_dump makes of a database of the server that `env` names. */
export async function runPgDump(env: Environment, args: readonly string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(join(env.PG_BINDIR!, 'pg_dump'), args, {
    encoding: 'buffer',
    maxBuffer: 2 ** 29,
    env: libpqVariables(env),
  });
  return stdout;
}
