import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { swapDatabases } from '../../src/restore/swap.ts';
import { createTestDatabase, listDatabaseNames, type TestDatabase, withClient } from '../support/database.ts';

const postgres = inject('postgres');
let serial = 0;
let old: TestDatabase;
let names: { target: string; scratch: string; kept: string };

beforeAll(async () => {
  old = await createTestDatabase(postgres);
});

afterAll(() => old.drop());

/** A database that serves and one that is to take its place, each saying in a table which it is. */
beforeEach(async () => {
  const base = `${old.name}_${++serial}`;
  names = { target: base, scratch: `${base}_restore`, kept: `${base}_before` };
  for (const name of [names.target, names.scratch]) {
    await asAdmin((admin) => admin.query(`CREATE DATABASE "${name}"`));
    await withClient(postgres, name, (client) =>
      client.query(`CREATE TABLE iam AS SELECT '${name}'::text AS name`),
    );
  }
});

const asAdmin = <T>(work: (admin: pg.Client) => Promise<T>) => withClient(postgres, 'postgres', work);

async function whoIs(database: string): Promise<unknown> {
  return withClient(
    postgres,
    database,
    async (client) => (await client.query('SELECT name FROM iam')).rows[0]?.name,
  );
}

function connect(database: string): pg.Client {
  const client = new pg.Client({
    host: postgres.POSTGRES_HOST!,
    port: Number(postgres.POSTGRES_PORT),
    user: postgres.POSTGRES_USER!,
    password: postgres.POSTGRES_PASSWORD!,
    database,
  });
  client.on('error', () => {});
  return client;
}

test('both are renamed, and both may be connected to', async () => {
  await asAdmin((admin) => swapDatabases(admin, names));
  expect(await whoIs(names.target)).toBe(names.scratch);
  expect(await whoIs(names.kept)).toBe(names.target);
  expect(await listDatabaseNames(postgres)).not.toContain(names.scratch);
});

test('an application with several sessions that connects anew at once does not stand in the way', async () => {
  const stop = new AbortController();
  const answers: unknown[] = [];
  const keepConnected = async () => {
    while (!stop.signal.aborted) {
      const client = connect(names.target);
      try {
        await client.connect();
        for (;;) {
          answers.push((await client.query('SELECT name FROM iam')).rows[0].name);
          if (stop.signal.aborted) break;
          await delay(1);
        }
      } catch {
        // Ended, refused, or not there at the moment: an application tries again.
        await delay(1);
      } finally {
        await client.end().catch(() => {});
      }
    }
  };
  const applications = Array.from({ length: 5 }, keepConnected);
  while (!answers.includes(names.target)) await delay(5);
  await asAdmin((admin) => swapDatabases(admin, names));
  while (answers.at(-1) !== names.scratch) await delay(5);
  stop.abort();
  await Promise.all(applications);
  const first = answers.indexOf(names.scratch);
  expect(answers.slice(first)).not.toContain(names.target);
});

const FAILING: readonly [about: string, prepare: () => Promise<unknown>, problem: RegExp][] = [
  [
    'the first rename: the name for the old one is taken',
    () => asAdmin((admin) => admin.query(`CREATE DATABASE "${names.kept}"`)),
    /cannot rename database .* already exists/,
  ],
  [
    'the second rename: the restored database is gone',
    () => asAdmin((admin) => admin.query(`DROP DATABASE "${names.scratch}"`)),
    /cannot rename database .* does not exist/,
  ],
  [
    'the first rename: a prepared transaction holds the old one',
    () =>
      withClient(postgres, names.target, (client) =>
        client.query(`BEGIN; INSERT INTO iam VALUES ('x'); PREPARE TRANSACTION '${names.target}'`),
      ),
    /being accessed by other users|prepared transactions/,
  ],
];

test.each(FAILING)('when %s, the old database serves on', async (_, prepare, problem) => {
  const prepared = await prepare().then(
    () => true,
    // Prepared transactions are off by default; then there is nothing to be seen here.
    (error: Error) => !/prepared transactions are disabled/.test(error.message),
  );
  if (!prepared) return;
  await expect(asAdmin((admin) => swapDatabases(admin, names))).rejects.toThrow(problem);
  expect(await whoIs(names.target)).toBe(names.target);
});
