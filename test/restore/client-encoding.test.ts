import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`CREATE TABLE t AS SELECT '表'::text AS name`);
});

afterEach(() => bed.close());

const ENCODING = `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate FROM pg_database WHERE datname = $1`;
const encoding = () => bed.database.query(ENCODING, [bed.database.name]);

/** No database can be in SJIS. */
test.each<[string, () => Promise<unknown>, Record<string, string>]>([
  ['the environment', async () => {}, { PGCLIENTENCODING: 'SJIS' }],
  [
    'the database',
    () => bed.database.query(`ALTER DATABASE ${bed.database.name} SET client_encoding = 'EUC_JP'`),
    {},
  ],
])('an encoding that %s sets for clients is not that of the restored database', async (_, set, env) => {
  await set();
  const before = await encoding();
  expect(await bed.run(['backup'], env)).toMatchObject({ status: 0 });
  expect(await bed.run(['verify', '--restore', '--quiet'], env)).toMatchObject({ status: 0 });
  expect(await bed.run(['restore', '--latest', '--yes'], env)).toMatchObject({ status: 0 });
  expect(await encoding()).toEqual(before);
  expect(await bed.database.query('SELECT name FROM t')).toEqual([{ name: '表' }]);
});

test('a foreign dump in an encoding of clients only is restored in that of the database it replaces', async () => {
  const file = join(bed.directory, 'dump.sql');
  writeFileSync(file, await runPgDump(bed.database.env, ['--encoding=SJIS', bed.database.name]));
  const before = await encoding();
  expect(await bed.run(['restore', file, '--yes'])).toMatchObject({ status: 0 });
  expect(await encoding()).toEqual(before);
  expect(await bed.database.query('SELECT name FROM t')).toEqual([{ name: '表' }]);
});
