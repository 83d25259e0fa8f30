import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { compareDigests, digestDatabase } from './compare-databases.ts';
import { createTestDatabase, type TestDatabase, withClient } from './database.ts';
import { runPgDump } from './run-pg-dump.ts';
import { fillBulk, fillTopobank, listMediaKeys } from './topobank-fixture.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase(inject('postgres'));
});

afterEach(() => database.drop());

test('the same rows on every call', async () => {
  const again = await createTestDatabase(inject('postgres'));
  try {
    for (const { env, name } of [database, again]) {
      await withClient(env, name, (client) => fillTopobank(client, { scale: 0.01 }));
    }
    const first = await digestDatabase(database.env, database.name);
    expect(compareDigests(first, await digestDatabase(again.env, again.name))).toEqual([]);
  } finally {
    await again.drop();
  }
});

test('scale 1 has some 200,000 rows and 4,500 media objects, each of a key of its own', async () => {
  const keys = await withClient(database.env, database.name, async (client) => {
    await fillTopobank(client);
    return listMediaKeys(client);
  });
  const { tables } = await digestDatabase(database.env, database.name);
  const rows = [...tables.values()].reduce((sum, table) => sum + table.rows, 0);
  expect(rows).toBeGreaterThan(180_000);
  expect(rows).toBeLessThan(220_000);
  expect(keys.length).toBeGreaterThan(4_300);
  expect(new Set(keys).size).toBe(keys.length);
  const folders = new Set(keys.map((key) => key.split('/').slice(0, 2).join('/')));
  expect(folders).toEqual(new Set(['media/uploads', 'media/data-lake', 'media/topographies']));
});

test('bulk rows are of about the size that is asked for', async () => {
  const bytes = 20_000_000;
  await withClient(database.env, database.name, async (client) => {
    await fillBulk(client, { bytes: bytes / 2 });
    await fillBulk(client, { bytes: bytes / 2 });
  });
  const dump = await runPgDump(database.env, [database.name]);
  expect(dump.length / bytes).toBeGreaterThan(0.95);
  expect(dump.length / bytes).toBeLessThan(1.05);
});
