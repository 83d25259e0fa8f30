import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { compareDigests, type DatabaseDigest, digestDatabase } from '../../support/compare-databases.ts';
import { nastySchema } from '../../support/nasty-schema.ts';
import { runPgDump } from '../../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../../support/test-bed.ts';

let bed: TestBed;
let before: DatabaseDigest;
let sql: Buffer;

/** Rows of several turns of every connection, among them one that is longer than a turn. */
beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(nastySchema(inject('postgresMajor')));
  await bed.database.query(`
    CREATE TABLE topography (id integer PRIMARY KEY, body text);
    INSERT INTO topography SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 30000) n;
    INSERT INTO topography VALUES (0, repeat('wide ', 700000));
    INSERT INTO topography SELECT n, NULL FROM generate_series(30001, 31000) n;
    CREATE INDEX ON topography (md5(body));`);
  before = await digestDatabase(bed.env, bed.database.name);
  sql = await pgDump('plain');
});

afterAll(() => bed.close());

const pgDump = (format: 'plain' | 'custom') => runPgDump(bed.env, [`--format=${format}`, bed.database.name]);

async function restore(name: string, dump: Buffer, into: string) {
  const file = join(bed.directory, name);
  await writeFile(file, dump);
  return bed.run(['restore', file, '--jobs', '3', '--into', into, '--quiet']);
}

const FORMS: readonly [name: string, make: () => Buffer | Promise<Buffer>][] = [
  ['dump.sql.gz', () => gzipSync(sql, { level: 1 })],
  ['dump.dump', () => pgDump('custom')],
];

test.each(FORMS)('%s, which has to be unpacked, is restored over three connections', async (name, make) => {
  const into = `${bed.database.name}_${name.replaceAll('.', '_')}`;
  expect(await restore(name, await make(), into)).toMatchObject({ status: 0, stderr: '' });
  expect(compareDigests(before, await digestDatabase(bed.env, into))).toEqual([]);
});

test.each([1, 9_999, 20_000, 29_999, 31_000])(
  'row %d, which the server refuses, is named by its line in the dump',
  async (id) => {
    const text = sql.toString('latin1');
    const at = text.indexOf(`\n${id}\t`, text.indexOf('COPY public.topography')) + 1;
    const line = text.slice(0, at).split('\n').length;
    const damaged = Buffer.from(`${text.slice(0, at)}x${text.slice(at)}`, 'latin1');
    const names = await bed.databases();
    const { status, stderr } = await restore(
      'damaged.sql.gz',
      gzipSync(damaged),
      `${bed.database.name}_damaged`,
    );
    expect(stderr).toMatch(
      new RegExp(`line ${line}, TABLE DATA public.topography: invalid input syntax.*"x${id}"`),
    );
    expect(status).toBe(1);
    expect(await bed.databases()).toEqual(names);
  },
);
