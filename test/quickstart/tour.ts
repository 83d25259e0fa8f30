import { compareDigests, type DatabaseDigest, digestDatabase } from '../support/compare-databases.ts';
import { type Environment, withClient } from '../support/database.ts';
import type { PostgresServer } from '../support/postgres-server.ts';
import type { S3Server } from '../support/s3-server/server.ts';
import { runProgram, storeEnv } from '../support/topobank-backup.ts';
import { fillTopobank, listMediaKeys } from '../support/topobank-fixture.ts';
import { putMedia } from './media.ts';

const DATABASE = 'topobank';

const DAMAGE = [
  'DROP TABLE manager_topography CASCADE',
  'DELETE FROM analysis_workflowresult WHERE id % 3 = 0',
  "UPDATE manager_surface SET name = 'oops'",
];

/** The two servers that the tour goes through. */
export interface Servers {
  readonly postgres: PostgresServer;
  readonly s3: S3Server;
}

/** The variables that make the tool work on both servers. */
export function tourEnv({ postgres, s3 }: Servers): Record<string, string> {
  return { ...postgres.env, POSTGRES_DB: DATABASE, ...storeEnv(s3) };
}

/**
 * Fills both servers, takes a backup, damages the database, restores it, and compares the result with the original.
 *
 * @param print is given lines for people
 * @throws Error when a command fails or the restored database differs from the original; the signal's reason
 */
export async function takeTour(
  servers: Servers,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const env = tourEnv(servers);
  const seconds = stopwatch();
  const objects = await fill(servers, env, signal);
  const original = await digestDatabase(env, DATABASE);
  print(
    `Filled database ${DATABASE}: ${countAll(original)}, and ${number(objects)} media objects in bucket ${env.AWS_STORAGE_BUCKET_NAME} (${seconds()} s).`,
  );
  const command = async (...args: string[]) => {
    print(`$ topobank-backup ${args.join(' ')}`);
    for (const line of (await succeed(args, env, signal)).split('\n')) print(`  ${line}`);
  };

  await command('backup');
  await command('list');
  await withClient(env, DATABASE, (client) => client.query(DAMAGE.join(';')));
  print(`Damaged the database: ${DAMAGE.join('; ')}.`);
  const damaged = compareDigests(original, await digestDatabase(env, DATABASE));
  if (damaged.length < DAMAGE.length)
    throw new Error('the damage does not show: the comparison proves nothing');
  signal.throwIfAborted();
  await command('restore', '--latest', '--yes');

  const restored = await digestDatabase(env, DATABASE);
  const differences = compareDigests(original, restored);
  if (differences.length > 0) {
    throw new Error(`the restored database differs from the original:\n${differences.join('\n')}`);
  }
  print(
    `Compared with the original, table by table: ${damaged.length} differences before the restore, none after it; ${countAll(restored)} and the schema are equal.`,
  );
}

async function fill(servers: Servers, env: Environment, signal: AbortSignal): Promise<number> {
  await withClient(env, 'postgres', (client) => client.query(`CREATE DATABASE ${DATABASE}`));
  const keys = await withClient(env, DATABASE, async (client) => {
    await fillTopobank(client);
    return listMediaKeys(client);
  });
  await putMedia(servers.s3, env.AWS_STORAGE_BUCKET_NAME!, keys, signal);
  return keys.length;
}

async function succeed(args: readonly string[], env: Environment, signal: AbortSignal): Promise<string> {
  const { status, stdout, stderr } = await runProgram(args, env, { signal });
  signal.throwIfAborted();
  if (status === 0) return stdout.trimEnd();
  throw new Error(`topobank-backup ${args[0]} ended with status ${status}:\n${stderr.trimEnd()}`);
}

function countAll({ tables }: DatabaseDigest): string {
  // What is digested holds the sequences too, one row each.
  const own = [...tables].filter(([name]) => !name.endsWith('_seq'));
  const rows = own.reduce((sum, [, table]) => sum + table.rows, 0);
  return `${number(rows)} rows in ${own.length} tables`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function stopwatch(): () => string {
  const began = performance.now();
  return () => ((performance.now() - began) / 1000).toFixed(0);
}
