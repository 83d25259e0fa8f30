import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runTool } from '../../bench/run-process.ts';
import { withClient } from '../../support/database.ts';
import { nastySchema } from '../../support/nasty-schema.ts';
import { runPgDump } from '../../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../../support/test-bed.ts';
import { firstDifference, wholeDump, withRowsSorted } from '../../support/whole-dump.ts';

const signal = new AbortController().signal;
const MIB = 1024 ** 2;

/** No operation may take more, whatever it works on. */
const MEMORY = 250 * MIB;

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

const inDatabase = (name: string, sql: string) =>
  withClient(bed.env, name, async (client) => (await client.query(sql)).rows as unknown[]);

/** A database of this test file with what the SQL makes. */
async function make(suffix: string, sql: string): Promise<string> {
  const name = `${bed.database.name}_${suffix}`;
  await inDatabase('postgres', `CREATE DATABASE ${name}`);
  await inDatabase(name, sql);
  return name;
}

const backUp = async (POSTGRES_DB: string) =>
  (JSON.parse((await bed.run(['backup', '--json'], { POSTGRES_DB })).stdout) as { id: string }).id;

const FOREIGN: readonly [about: string, place: (dump: Buffer) => Promise<string>][] = [
  [
    'a dump without a manifest, copied into the bucket',
    async (dump) => {
      const options = { ifAbsent: true, contentType: 'application/sql', signal };
      await bed.store.put('backup/postgres-backup-20200102030405.sql', dump, options);
      return '20200102030405';
    },
  ],
  [
    'a local file',
    async (dump) => {
      const file = join(bed.directory, 'local.sql');
      await writeFile(file, dump);
      return file;
    },
  ],
];

test.each(FOREIGN)('%s is restored over three connections', async (_, place) => {
  const name = await make(
    `foreign_${FOREIGN.findIndex(([, other]) => other === place)}`,
    `${nastySchema(inject('postgresMajor'))};
     CREATE TABLE surface (id integer PRIMARY KEY, name text);
     CREATE TABLE topography (id integer PRIMARY KEY, surface integer REFERENCES surface, body text);
     INSERT INTO surface SELECT n, 'surface ' || n FROM generate_series(1, 20000) n;
     INSERT INTO topography SELECT n, 1 + n % 20000, repeat(md5(n::text), 6) FROM generate_series(1, 20000) n;
     CREATE INDEX ON topography (surface); CREATE INDEX ON surface (name);`,
  );
  const what = await place(await runPgDump(bed.env, [name]));
  const into = `${name}_restored`;
  const restored = await bed.run(['restore', what, '--jobs', '3', '--into', into]);
  expect(restored).toMatchObject({ status: 0 });
  expect(restored.stderr).toMatch(/ over 3 connections\n/);
  const [before, after] = await Promise.all([name, into].map((each) => wholeDump(bed.env, each)));
  expect(firstDifference(withRowsSorted(before!), withRowsSorted(after!))).toBeUndefined();
});

test.each([
  ['a check', 'known integer CHECK (is_known(known))'],
  ['a generated column', 'known integer, found boolean GENERATED ALWAYS AS (is_known(known)) STORED'],
])('where %s looks into another table, the rows keep to the order of the dump', async (about, columns) => {
  const name = await make(
    about.replaceAll(' ', '_'),
    `CREATE TABLE a_known (id integer PRIMARY KEY, body text);
     INSERT INTO a_known SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 20000) n;
     CREATE FUNCTION is_known(known integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS
       'SELECT EXISTS (SELECT FROM public.a_known WHERE id = known)';
     CREATE TABLE b_looking (${columns}, body text);
     INSERT INTO b_looking (known, body)
       SELECT n, repeat(md5(n::text), 40) FROM generate_series(19901, 20000) n, generate_series(1, 3);`,
  );
  const into = `${name}_restored`;
  const args = ['restore', await backUp(name), '--jobs', '3', '--into', into];
  const restored = await bed.run(args, { LOG_LEVEL: 'debug' });
  expect(restored).toMatchObject({ status: 0 });
  // Out of their order, too, they may happen to come in as they should.
  expect(restored.stderr).toContain('rows are copied in the order of the dump');
  expect(firstDifference(await wholeDump(bed.env, name), await wholeDump(bed.env, into))).toBeUndefined();
});

test('a row of 100 MB goes there and back, and is never held as a whole', async () => {
  const name = await make(
    'long',
    `CREATE TABLE long_rows (id integer PRIMARY KEY, body text);
     INSERT INTO long_rows VALUES (1, 'short'), (2, repeat('0123456789', 10000000)), (3, 'short');`,
  );
  const env = { ...bed.env, POSTGRES_DB: name };
  const backup = await runTool(['backup', '--prefix', 'long/'], env, signal);
  const into = `${name}_restored`;
  const args = ['restore', '--latest', '--prefix', 'long/', '--jobs', '2', '--into', into];
  const restore = await runTool(args, env, signal);
  const content = 'SELECT id, length(body), md5(body) FROM long_rows ORDER BY id';
  expect(await inDatabase(into, content)).toEqual(await inDatabase(name, content));
  for (const { peakBytes = 0 } of [backup, restore]) expect(peakBytes).toBeLessThan(MEMORY);
});
