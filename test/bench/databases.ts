import type pg from 'pg';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import { type Environment, withClient } from '../support/database.ts';
import { fillBulk, fillTopobank } from '../support/topobank-fixture.ts';
import type { Bench } from './bench.ts';
import { runTool } from './run-process.ts';

/** Bytes of dump text that `fillTopobank` makes at scale 1. */
const TOPOBANK_BYTES = 28e6;

/** Makes a database whose dump has about `bytes`: half in tables like TopoBank's, half in one table of long rows. */
export async function fillDatabase(
  env: Environment,
  name: string,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  await withClient(env, 'postgres', (client) => client.query(`CREATE DATABASE ${name}`));
  await withClient(env, name, (client) => stoppable(client, signal, () => fill(client, bytes)));
}

async function fill(client: pg.Client, bytes: number): Promise<void> {
  await fillTopobank(client, { scale: bytes / 2 / TOPOBANK_BYTES });
  await fillBulk(client, { bytes: bytes / 2 });
  await client.query('VACUUM ANALYZE');
}

async function stoppable(client: pg.Client, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  // With a query under way this breaks the connection off (pg, Client.end).
  const breakOff = () => {
    client.end().catch(() => {});
  };
  signal.addEventListener('abort', breakOff);
  try {
    signal.throwIfAborted();
    await work();
  } finally {
    signal.removeEventListener('abort', breakOff);
  }
}

/** Backs up a database under a prefix of its own. */
export async function backUp(
  { env, signal }: Pick<Bench, 'env' | 'signal'>,
  database: string,
  prefix: string,
): Promise<void> {
  await runTool(['backup', '--quiet', '--database', database, '--prefix', prefix], env, signal);
}

/** Removes every backup under the prefix of these settings. */
export async function removeBackups(env: Environment, signal: AbortSignal): Promise<void> {
  const config = readConfig({ flags: {}, env }, ['store']);
  const store = openStore(config);
  try {
    const keys: string[] = [];
    for await (const { key } of store.list(config.prefix, { signal })) keys.push(key);
    await store.remove(keys, signal);
  } finally {
    store.close();
  }
}

/** Drops a database, and leaves nothing to be written that the next run would wait for. */
export async function dropAndSettle(env: Environment, name: string): Promise<void> {
  await withClient(env, 'postgres', async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.query('CHECKPOINT');
  });
}
