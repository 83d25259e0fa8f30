import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

const TABLE = 'CREATE TABLE public.t (\n    a integer\n);\n';

/** Restores such a dump over two connections. */
async function restore(body: string, into: string, ...flags: string[]) {
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, dumpText(body));
  return bed.run(['restore', file, '--jobs', '2', '--into', into, ...flags]);
}

const LACKS: readonly [what: string, body: string, message: RegExp][] = [
  [
    'a tablespace',
    `SET default_tablespace = nowhere;\n${entry('TABLE', 't')}${TABLE}`,
    /: line 10: invalid value for parameter "default_tablespace": "nowhere" — create the tablespace on the database server with CREATE TABLESPACE, then run again$/,
  ],
  [
    'a table access method',
    `SET default_table_access_method = nowhere;\n${entry('TABLE', 't')}${TABLE}`,
    /: line 10: invalid value for parameter "default_table_access_method": "nowhere" — install the extension that provides the access method on the database server$/,
  ],
  [
    'an extension',
    `${entry('EXTENSION', 'nothing', '-')}CREATE EXTENSION IF NOT EXISTS nothing WITH SCHEMA public;\n`,
    /: line 13, EXTENSION nothing: .*nothing.* — install what the message names on the database server$/,
  ],
  [
    'a type of an extension that the dump leaves out',
    `${entry('TABLE', 't')}CREATE TABLE public.t (\n    a public.geometry\n);\n`,
    /: line 13, TABLE public\.t: type "public\.geometry" does not exist.* — create what the message names on the database server/,
  ],
];

test.each(LACKS)(
  'without %s on the server, a restore says what to do and leaves nothing',
  async (_, body, message) => {
    const result = await restore(body, `${bed.database.name}_lacking`, '--quiet');
    expect(result.stderr.trimEnd()).toMatch(message);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(await bed.databases()).toEqual([bed.database.name]);
  },
);

test('statistics that pg_dump 18 writes are left out without a word, and all else is restored', async () => {
  const statistics = `${entry('STATISTICS DATA', 't').replace('-- Name', '-- Statistics for Name')}SELECT * FROM pg_catalog.pg_restore_relation_stats(\n\t'version', '180000'::integer,\n\t'schemaname', 'public',\n\t'relname', 't',\n\t'relpages', '1'::integer\n);\n`;
  const into = `${bed.database.name}_statistics`;
  const result = await restore(`${entry('TABLE', 't')}${TABLE}${statistics}`, into, '--quiet');
  await bed.database.query(`DROP DATABASE IF EXISTS "${into}"`);
  expect(result).toMatchObject({ status: 0, stderr: '' });
});

test('a security label without a provider is left out with a warning, and all else is restored', async () => {
  const label = `${entry('SECURITY LABEL', 'TABLE t')}SECURITY LABEL FOR selinux ON TABLE public.t IS 'system_u:object_r:x:s0';\n`;
  const into = `${bed.database.name}_labels`;
  const restored = await restore(`${entry('TABLE', 't')}${TABLE}\n${label}`, into);
  expect(restored).toMatchObject({ status: 0 });
  const warnings = restored.stderr.split('\n').filter((line) => line.includes('WARN'));
  expect(warnings).toEqual([
    expect.stringMatching(/line 20: this server has no security label provider selinux; skipped$/),
  ]);
});

test('a drill on a server without a tablespace of the dump is none, and no fault of the backup', async () => {
  const [here, gone] = ['here', 'gone'].map((suffix) => `${bed.database.name}_${suffix}`);
  await withClient(bed.env, bed.database.name, async (client) => {
    await client.query('SET allow_in_place_tablespaces = on');
    await client.query(`CREATE TABLESPACE ${here} LOCATION ''`);
    await client.query(`CREATE TABLE placed (a int) TABLESPACE ${here}`);
  });
  try {
    expect(await bed.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
    await bed.database.query(`ALTER TABLESPACE ${here} RENAME TO ${gone}`);
    const drill = await bed.run(['verify', '--restore', '--quiet']);
    expect(drill).toMatchObject({ status: 1, stdout: '' });
    expect(drill.stderr).toMatch(
      /^topobank-backup: cannot try to restore \S+: line \d+: .*"default_tablespace": .* — make sure the server of the drill can restore it/,
    );
  } finally {
    await bed.database.query('DROP TABLE placed');
    await bed.database.query(`DROP TABLESPACE IF EXISTS ${here}`);
    await bed.database.query(`DROP TABLESPACE IF EXISTS ${gone}`);
  }
});
