import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { compareDigests, type DatabaseDigest, digestDatabase } from './compare-databases.ts';
import { createTestDatabase, type TestDatabase, withClient } from './database.ts';

let original: TestDatabase;
let before: DatabaseDigest;

beforeAll(async () => {
  original = await createTestDatabase(inject('postgres'));
  await original.query(`
    CREATE TABLE surface (id serial PRIMARY KEY, name text NOT NULL DEFAULT 'x', data jsonb);
    CREATE TABLE "odd ""name" (a int);
    INSERT INTO surface (name, data) SELECT 'näme ' || g, jsonb_build_object('n', g) FROM generate_series(1, 100) g;
    INSERT INTO surface (name) VALUES ('twin'), ('twin')`);
  before = await digestDatabase(original.env, original.name);
});

afterAll(() => original.drop());

/** A copy of the original, changed by `sql`. */
async function differencesAfter(sql: string): Promise<string[]> {
  const name = `${original.name}_copy`;
  await withClient(original.env, 'postgres', (client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${original.name}`),
  );
  try {
    await withClient(original.env, name, (client) => client.query(sql));
    return compareDigests(before, await digestDatabase(original.env, name));
  } finally {
    await withClient(original.env, 'postgres', (client) => client.query(`DROP DATABASE ${name}`));
  }
}

test.each([
  ['nothing', 'SELECT 1', []],
  ['another order of rows', `UPDATE surface SET name = name WHERE id = 1`, []],
  ['values fetched ahead by a sequence', `SELECT setval('surface_id_seq', 102)`, []],
  ['a changed value', `UPDATE surface SET name = 'other' WHERE id = 7`, ['public.surface has other rows']],
  [
    'a value that became null',
    `UPDATE surface SET data = NULL WHERE id = 7`,
    ['public.surface has other rows'],
  ],
  ['a lost row', 'DELETE FROM surface WHERE id = 100', ['public.surface has 101 rows instead of 102']],
  [
    'a row in a table that was empty',
    'INSERT INTO "odd ""name" VALUES (1)',
    ['public."odd ""name" has 1 rows instead of 0'],
  ],
  [
    'a sequence that counted on',
    `SELECT nextval('surface_id_seq')`,
    ['public.surface_id_seq has other rows'],
  ],
  [
    'a changed default',
    `ALTER TABLE surface ALTER name SET DEFAULT 'y'`,
    [expect.stringMatching(/^the schemas differ from line \d+: .*'y'.* instead of .*'x'/)],
  ],
  [
    'a missing table',
    'DROP TABLE "odd ""name"',
    [expect.stringContaining('the schemas differ'), 'public."odd ""name" is missing'],
  ],
  [
    'a new table',
    'CREATE TABLE more (a int)',
    [expect.stringContaining('the schemas differ'), 'public.more is new'],
  ],
])('%s', async (_name, sql, expected) => {
  expect(await differencesAfter(sql)).toEqual(expected);
});
