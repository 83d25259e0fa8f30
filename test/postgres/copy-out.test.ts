import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { copyOut } from '../../src/postgres/copy-out.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** A sort that takes minutes, before which the server sends nothing. */
const LONG_SORT = `COPY (SELECT md5(a::text || b) AS key FROM generate_series(1, 20000) a, generate_series(1, 20000) b ORDER BY 1) TO STDOUT`;
/** Sends rows at once, for as long as it is let. */
const LONG_STREAM = `COPY (SELECT repeat('x', 1000), generate_series(1, 1000000000)) TO STDOUT`;

let test1: TestDatabase;
let database: Database;
const never = new AbortController().signal;

beforeAll(async () => {
  test1 = await createTestDatabase(inject('postgres'));
  database = openDatabase(readConfig({ env: test1.env, flags: {} }, ['database']), {});
});

afterAll(() => test1.drop());

async function activeCopies(): Promise<number> {
  const rows = await test1.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY%'`,
  );
  return rows[0]!.n;
}

/** The server tells nobody when a statement begins or ends, so it is asked. */
async function until(count: number): Promise<void> {
  await expect.poll(activeCopies, { timeout: 60_000 }).toBe(count);
}

test('all rows come, and the connection is good for more', async () => {
  const text = await database.use(database.name, never, async (client) => {
    const chunks: Buffer[] = [];
    const sql = 'COPY (SELECT generate_series(1, 100000)) TO STDOUT';
    for await (const chunk of copyOut(database, client, sql)) chunks.push(chunk);
    const { rows } = await client.query('SELECT 1 AS one');
    expect(rows).toEqual([{ one: 1 }]);
    return Buffer.concat(chunks).toString();
  });
  expect(text.split('\n').length).toBe(100_001);
});

test('the server’s error is thrown', async () => {
  const reading = database.use(database.name, never, async (client) => {
    for await (const _ of copyOut(
      database,
      client,
      'COPY (SELECT 1 / (n - 50000) FROM generate_series(1, 100000) n) TO STDOUT',
    ));
  });
  await expect(reading).rejects.toMatchObject({ code: '22012' });
});

test('a COPY that is not read on is over when the reader goes on', async () => {
  await database.use(database.name, never, async (client) => {
    for await (const _ of copyOut(database, client, LONG_STREAM)) break;
  });
  await until(0);
});

test('an abort ends a server that sorts', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  const reading = database.use(database.name, stop.signal, async (client) => {
    for await (const _ of copyOut(database, client, LONG_SORT));
  });
  const outcome = expect(reading).rejects.toBe(reason);
  await until(1);
  stop.abort(reason);
  await outcome;
  await until(0);
});
