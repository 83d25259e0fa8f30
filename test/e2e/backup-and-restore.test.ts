import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { compareDigests, digestDatabase } from '../support/compare-databases.ts';
import { createTestDatabase, listDatabaseNames, type TestDatabase } from '../support/database.ts';
import { type S3Server, startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { runProgram, storeEnv } from '../support/topobank-backup.ts';

const directory = scratchDirectory('e2e');
let server: S3Server;
let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  server = await startS3Server({ directory: directory.path });
  database = await createTestDatabase(inject('postgres'));
  env = { ...database.env, ...storeEnv(server) };
  await database.query(`
    CREATE TABLE surface (id serial PRIMARY KEY, name text NOT NULL, data jsonb);
    INSERT INTO surface (name, data) SELECT 'surface ' || g, jsonb_build_object('n', g) FROM generate_series(1, 5000) g;
    CREATE TABLE topography (id bigint GENERATED ALWAYS AS IDENTITY, surface_id int REFERENCES surface, raw bytea);
    INSERT INTO topography (surface_id, raw) SELECT id, decode(md5(id::text), 'hex') FROM surface;
    CREATE INDEX ON topography (surface_id)`);
});

afterAll(async () => {
  await database.drop();
  await server.close();
  directory.remove();
});

test('a backup is listed, shown, and brings back what was damaged', async () => {
  const before = await digestDatabase(database.env, database.name);
  const backup = await runProgram(['backup', '--json'], env);
  expect(backup).toMatchObject({ status: 0 });
  const made = JSON.parse(backup.stdout) as { id: string; key: string; bytes: number };

  const list = await runProgram(['list', '--json'], env);
  expect(JSON.parse(list.stdout)).toEqual([
    {
      id: made.id,
      key: `backup/postgres-backup-${made.id}.sql`,
      bytes: made.bytes,
      state: 'complete',
      startedAt: expect.stringMatching(/Z$/),
      finishedAt: expect.stringMatching(/Z$/),
      database: database.name,
      server: expect.stringMatching(/^\d+/),
      verified: null,
    },
  ]);
  const show = await runProgram(['show', made.id], env);
  expect(show.stdout).toMatch(/public\.topography +5,000/);

  await database.query('DROP TABLE topography; DELETE FROM surface WHERE id % 3 = 0');
  const restore = await runProgram(['restore', '--latest', '--yes'], env);
  expect(restore).toMatchObject({ status: 0 });
  expect(compareDigests(before, await digestDatabase(database.env, database.name))).toEqual([]);
  const names = (await listDatabaseNames(database.env)).filter((name) => name.startsWith(database.name));
  expect(names).toEqual([database.name, expect.stringMatching(/_before_restore_\d{14}$/)]);
});
