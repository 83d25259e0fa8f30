import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import { createTestDatabase, type Environment, type TestDatabase } from '../support/database.ts';
import { type S3Server, startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { makeBackups } from '../support/stored-backups.ts';
import { runProgram, storeEnv } from '../support/topobank-backup.ts';

const DAY_MS = 86_400_000;
const signal = new AbortController().signal;

const directory = scratchDirectory('wrong-clock');
/** Its clock is right, which makes this machine's one that is sixty days ahead. */
const there = () => new Date(Date.now() - 60 * DAY_MS);
let server: S3Server;
let database: TestDatabase;
let store: ReturnType<typeof openStore>;
let env: Environment;

beforeAll(async () => {
  server = await startS3Server({ directory: directory.path, clock: there });
  database = await createTestDatabase(inject('postgres'));
  env = { ...database.env, ...storeEnv(server), MAX_BACKUPS: '1', KEEP_WITHIN: '30d' };
  store = openStore(readConfig({ env, flags: {} }, ['store']));
  await store.ensureBucket(signal);
});

afterAll(async () => {
  store.close();
  await database.drop();
  await server.close();
  directory.remove();
});

interface Plan {
  readonly backups: readonly {
    readonly id: string;
    readonly action: string;
    readonly reasons: readonly string[];
  }[];
}

const WARNING =
  /this machine’s clock is 60d ahead of that of http:\S+: ages are judged by the earlier clock, so that nothing is deleted too soon; set the clocks/;

test('a machine whose clock is ahead deletes nothing as old that is young by the server’s', async () => {
  const make = makeBackups(store, database.name);
  for (const days of [1, 2, 29, 40]) {
    await make.complete(new Date(there().getTime() - days * DAY_MS).toISOString().slice(0, 19));
  }
  const { status, stdout, stderr } = await runProgram(['backup', '--json'], env);
  expect(status).toBe(0);
  expect(stderr).toMatch(WARNING);
  const made = JSON.parse(stdout) as { id: string; pruned: string[] };
  expect(made.pruned).toHaveLength(1);

  const dry = await runProgram(['prune', '--dry-run', '--json'], env);
  expect(dry).toMatchObject({ status: 0, stderr: expect.stringMatching(WARNING) });
  const { backups } = JSON.parse(dry.stdout) as Plan;
  expect(backups.map(({ action }) => action)).toEqual(Array(4).fill('keep'));
  expect(backups[0]).toMatchObject({ id: made.id, reasons: ['its time is ahead of the clock'] });
});

test('an upload under way is no dead run’s, however late it is by this machine’s clock', async () => {
  const upload = await store.createUpload(
    'backup/postgres-backup-20260101000000.sql',
    'application/sql',
    signal,
  );
  const { status, stderr } = await runProgram(['backup'], env);
  expect(status).toBe(0);
  expect(stderr).not.toContain('aborted an upload');
  await store.abortUpload(upload, signal);
});
