import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { PLAIN_CREATION } from '../../src/postgres/facts.ts';
import { checkLocale } from '../../src/restore/databases/locale.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const UTF8 = `TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`;
const LATIN1 = `TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`;
const TABLE = `CREATE TABLE t AS SELECT 'Straße'::text AS name`;

let beds: TestBed[];

beforeEach(() => {
  beds = [];
});

afterEach(async () => {
  for (const bed of beds) await bed.close();
});

async function createBed(options: string): Promise<TestBed> {
  const bed = await createTestBed(inject('postgres'), options);
  beds.push(bed);
  await bed.database.query(TABLE);
  return bed;
}

const localeOf = async ({ database }: TestBed) => {
  const rows = await database.query(
    `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype
     FROM pg_database WHERE datname = current_database()`,
  );
  return rows[0];
};

async function dump(bed: TestBed, encoding: string, name = 'dump.sql'): Promise<string> {
  const form = name.endsWith('.dump') ? 'custom' : 'plain';
  const bytes = await runPgDump(bed.database.env, [
    `--encoding=${encoding}`,
    `--format=${form}`,
    bed.database.name,
  ]);
  const file = join(bed.directory, name);
  writeFileSync(file, name.endsWith('.gz') ? gzipSync(bytes) : bytes);
  return file;
}

/** The three ways in which a restore tells what it will do: beforehand, in the question, and while it does it. */
async function restore(bed: TestBed, what: string) {
  const dryRun = await bed.run(['restore', what, '--dry-run', '--quiet']);
  const asked = await bed.run(['restore', what, '--quiet']);
  return { dryRun: dryRun.stdout, asked: asked.stderr, warned: await restoreUnasked(bed, what) };
}

/** @returns its warnings */
async function restoreUnasked(bed: TestBed, what: string): Promise<string> {
  const { status, stderr } = await bed.run(['restore', what, '--yes', '--no-audit']);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stderr
    .split('\n')
    .filter((line) => line.includes('WARN'))
    .join('\n');
}

test.each(['WIN1252', 'LATIN1', 'UTF8'])(
  'a database in UTF8 stays as it is when a dump in %s takes its place',
  async (encoding) => {
    const bed = await createBed(UTF8);
    const before = await localeOf(bed);
    const told = await restore(bed, await dump(bed, encoding));
    expect(told).toEqual({
      dryRun: expect.not.stringMatching(/instead of/),
      asked: expect.not.stringMatching(/instead of/),
      warned: '',
    });
    expect(await localeOf(bed)).toEqual(before);
    expect(await bed.database.query('SELECT name FROM t')).toEqual([{ name: 'Straße' }]);
  },
);

test.each(['dump.sql', 'dump.sql.gz', 'custom.dump'])(
  'where nothing converts the dump (%s), the database changes to its encoding, and that is told',
  async (name) => {
    const bed = await createBed(UTF8);
    const told = await restore(bed, await dump(bed, 'SQL_ASCII', name));
    const change = 'SQL_ASCII with the locale C instead of UTF8 with the locale C.UTF-8';
    expect(told).toEqual({
      dryRun: expect.stringContaining(`; it will use ${change}\n`),
      asked: expect.stringContaining(
        `; it will use ${change}: cannot ask for confirmation without a terminal`,
      ),
      warned: expect.stringContaining(`the restored database ${bed.database.name} uses ${change}`),
    });
    expect(await localeOf(bed)).toEqual({ encoding: 'SQL_ASCII', collate: 'C', ctype: 'C' });
  },
);

test('a database that may lack letters of the dump changes to its encoding, not to another locale than it need', async () => {
  const bed = await createBed(LATIN1);
  const told = await restore(bed, await dump(bed, 'UTF8'));
  const change = 'UTF8 with the locale C instead of LATIN1 with the locale C';
  expect(told.dryRun).toContain(change);
  expect(told.warned).toContain(change);
  expect(await localeOf(bed)).toEqual({ encoding: 'UTF8', collate: 'C', ctype: 'C' });
  expect(await bed.database.query('SELECT name FROM t')).toEqual([{ name: 'Straße' }]);
});

test('what a backup has recorded comes back, and where the database differs by now that is told', async () => {
  const bed = await createBed(UTF8);
  expect(await bed.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
  expect(await restoreUnasked(bed, '--latest')).toBe('');
  await restoreUnasked(bed, await dump(bed, 'SQL_ASCII'));
  const change = 'UTF8 with the locale C.UTF-8 instead of SQL_ASCII with the locale C';
  expect((await bed.run(['restore', '--latest', '--dry-run', '--quiet'])).stdout).toContain(change);
  expect(await restoreUnasked(bed, '--latest')).toContain(change);
  expect(await localeOf(bed)).toEqual({ encoding: 'UTF8', collate: 'C.UTF-8', ctype: 'C.UTF-8' });
});

test('a new database gets the dump’s encoding', async () => {
  const bed = await createBed(UTF8);
  const file = await dump(bed, 'LATIN1');
  const into = `${bed.database.name}_new`;
  const env = { ...bed.env, POSTGRES_DB: into };
  try {
    expect(await bed.run(['restore', file, '--into', into, '--quiet'])).toMatchObject({
      status: 0,
      stderr: '',
    });
    const [row] = await bed.database.query(
      `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collate FROM pg_database WHERE datname = '${into}'`,
    );
    expect(row).toEqual({ encoding: 'LATIN1', collate: 'C' });
    // Without a database of the name there is nothing that would change.
    await bed.database.query(`DROP DATABASE "${into}"`);
    const planned = await bed.run(['restore', file, '--dry-run', '--quiet'], env);
    expect(planned).toMatchObject({ status: 0, stdout: expect.not.stringMatching(/instead of/) });
  } finally {
    await bed.database.query(`DROP DATABASE IF EXISTS "${into}"`);
  }
});

test('that texts are converted is told before something fails for it', async () => {
  const bed = await createBed(UTF8);
  const latin = await createBed(LATIN1);
  // Not to be compressed, and in UTF8 longer than an index takes.
  await latin.database.query(
    `CREATE TABLE long AS SELECT string_agg(chr(192 + (random() * 60)::int), '') AS a FROM generate_series(1, 2500);
     CREATE INDEX ON long (a)`,
  );
  const file = await dump(latin, 'LATIN1');
  const { status, stderr } = await bed.run(['restore', file, '--yes', '--no-audit']);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /INFO: the dump is in LATIN1 and the restored database in UTF8, in which text may take more bytes; --into NAME keeps the encoding of the dump\n.*index row size/s,
  );
  const into = `${bed.database.name}_new`;
  const beside = await bed.run(['restore', file, '--into', into, '--no-audit']);
  await bed.database.query(`DROP DATABASE IF EXISTS "${into}"`);
  expect(beside).toMatchObject({ status: 0, stderr: expect.not.stringContaining('may take more bytes') });
});

test.each(['--dry-run', '--yes'])('an empty file is no dump, as %s says too', async (how) => {
  const bed = await createBed(UTF8);
  const file = join(bed.directory, 'empty.sql');
  writeFileSync(file, '');
  expect(await bed.run(['restore', file, how, '--quiet'])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining('it is empty'),
  });
});

test.each([
  [{ ...PLAIN_CREATION, provider: 'icu', providerLocale: 'de' }, 15, 'the ICU locale de'],
  [
    { ...PLAIN_CREATION, provider: 'icu', providerLocale: 'de', icuRules: '&a < b' },
    16,
    'an ICU locale with custom rules',
  ],
  [{ ...PLAIN_CREATION, provider: 'builtin', providerLocale: 'C.UTF-8' }, 17, 'the builtin locale C.UTF-8'],
  [
    { ...PLAIN_CREATION, provider: 'builtin', providerLocale: 'PG_UNICODE_FAST' },
    18,
    'the builtin locale PG_UNICODE_FAST',
  ],
] as const)('%j needs PostgreSQL %i', (locale, since, what) => {
  checkLocale('cannot restore it', locale, since);
  expect(() => checkLocale('cannot restore it', locale, since - 1)).toThrow(
    `cannot restore it: the database has ${what}, which PostgreSQL ${since - 1} does not know — restore it on PostgreSQL ${since} or later; or \`fetch\``,
  );
  checkLocale('cannot restore it', PLAIN_CREATION, 11);
});
