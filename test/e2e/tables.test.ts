import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { to } from 'pg-copy-streams';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
const NASTY = '"Größe, alt"."a/b ""c"""';

let bed: TestBed;
/** Two backups, between which some rows have changed. */
const ids: string[] = [];

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`
    CREATE TABLE surface AS SELECT g AS id, 'surface ' || g AS name FROM generate_series(1, 50000) g;
    CREATE TABLE bulk AS SELECT g AS id, repeat('x', 900) AS body FROM generate_series(1, 2000) g;
    CREATE TABLE no_rows (a int, "B" text);
    CREATE SCHEMA other;
    CREATE TABLE other.bulk (id int);
    CREATE SCHEMA "Größe, alt";
    CREATE TABLE ${NASTY} (id int, "a,b" text);
    INSERT INTO ${NASTY} VALUES (1, NULL), (2, ''), (3, E'tab\\t, "quoted"\\nline'), (4, '\\.'), (5, '\\N')`);
  await backUp();
  await bed.database.query(`
    DELETE FROM surface WHERE id <= 10;
    CREATE TABLE added (id int);
    DROP TABLE no_rows;
    UPDATE bulk SET body = repeat('y', 900) WHERE id = 7`);
  await backUp();
});

afterEach(() => {
  bed.server.faults.length = 0;
});

afterAll(() => bed.close());

async function backUp(): Promise<void> {
  const { stdout } = await bed.run(['backup', '--json', '--quiet']);
  ids.push((JSON.parse(stdout) as { id: string }).id);
}

const newDirectory = () => mkdtemp(join(bed.directory, 'files-'));

/** What PostgreSQL itself copies out of the table; only for tables that did not change between the backups. */
function copyOf(table: string, options = ''): Promise<Buffer> {
  return withClient(bed.env, bed.database.name, async (client) =>
    Buffer.concat(await client.query(to(`COPY ${table} TO STDOUT ${options}`)).toArray()),
  );
}

interface Fetched {
  readonly id: string;
  readonly table: string;
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

async function fetchTable(id: string, table: string, ...more: string[]): Promise<Fetched> {
  const directory = await newDirectory();
  const fetched = await bed.run(['fetch', id, directory, '--table', table, '--json', '--quiet', ...more]);
  expect(fetched).toMatchObject({ status: 0, stderr: '' });
  return JSON.parse(fetched.stdout) as Fetched;
}

test('one table is fetched as the text that COPY gives, reading little else', async () => {
  bed.server.requests.length = 0;
  const fetched = await fetchTable(ids[1]!, 'public.surface');
  expect(fetched).toMatchObject({ id: ids[1], table: 'public.surface', rows: 49_990 });
  expect(fetched.path).toMatch(new RegExp(`/postgres-backup-${ids[1]}\\.public\\.surface\\.copy$`));
  const text = await readFile(fetched.path);
  expect(text.equals(await copyOf('surface'))).toBe(true);
  expect(fetched.bytes).toBe(text.length);
  const reads = bed.server.requests.filter(
    ({ operation, key }) => operation === 'GetObject' && key.endsWith('.sql'),
  );
  const lengths = reads
    .map(({ range }) => range!.match(/\d+/g)!.map(Number))
    .map(([start, end]) => end! - start! + 1);
  // The beginning of the dump, the statement before the rows, and the rows.
  expect(lengths).toEqual([4096, expect.any(Number), text.length]);
  expect(lengths[1]).toBeLessThan(300);
});

test('or as the CSV that PostgreSQL writes, whatever its name and its values are', async () => {
  const fetched = await fetchTable('latest', NASTY, '--csv');
  expect(fetched.table).toBe(NASTY);
  expect(fetched.path).toContain('."Größe, alt"."a_b ""c""".csv');
  expect(await readFile(fetched.path, 'utf8')).toBe((await copyOf(NASTY, '(FORMAT csv, HEADER)')).toString());
  const empty = await fetchTable(ids[0]!, 'no_rows', '--csv');
  expect(await readFile(empty.path, 'utf8')).toBe('a,B\n');
});

const BLOCKS = dumpText(
  `${entry('TABLE DATA', 't')}COPY public.t (a, b) FROM stdin;\n1\tone\n\\.\n\nCOPY public.u (a) FROM stdin;\n9\n\\.\n\nCOPY public.t (a, b) FROM stdin;\n2\t\\N\n\\.\n`,
);

test.each([
  ['sql', 'sql', BLOCKS],
  ['sql.gz', 'sql.gz', gzipSync(BLOCKS)],
  ['sql that is gzip', 'sql', gzipSync(BLOCKS)],
  ['sql.gz that is plain', 'sql.gz', BLOCKS],
] as const)('of a foreign .%s all blocks of a table are fetched', async (about, suffix, body) => {
  const key = `${about}/postgres-backup-20200101000000.${suffix}`;
  await bed.store.put(key, Buffer.from(body), { ifAbsent: true, contentType: 'text/plain', signal });
  const prefix = ['--prefix', `${about}/`];
  const text = await fetchTable('20200101000000', 't', ...prefix);
  expect(await readFile(text.path, 'utf8')).toBe('1\tone\n2\t\\N\n');
  const csv = await fetchTable('20200101000000', 't', '--csv', ...prefix);
  expect(await readFile(csv.path, 'utf8')).toBe('a,b\n1,one\n2,\n');
});

test.each([
  [['--table', 'surfaces'], 4, /has no rows of a table with this name — did you mean public\.surface\?/],
  [['--table', 'auth_user'], 4, /of a table with this name — `topobank-backup show` lists the tables/],
  [['--table', 'bulk'], 2, /the dump has other\.bulk and public\.bulk — give its schema too/],
  [['--table', 'a b'], 2, /it is not a table name — give a name such as/],
  [['--csv'], 2, /--csv needs --table — add --table TABLE/],
] as const)('%j ends with status %i and leaves nothing', async (args, status, message) => {
  const directory = await newDirectory();
  const result = await bed.run(['fetch', 'latest', directory, '--quiet', ...args]);
  expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) });
  expect(await readdir(directory)).toEqual([]);
});

test('bytes that are other ones leave no file', async () => {
  const key = `backup/postgres-backup-${ids[1]}.sql`;
  const whole = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const damaged = Buffer.from(whole);
  damaged[whole.indexOf('surface 777')] = 0x53;
  const put = (body: Buffer) =>
    bed.store.put(key, body, { ifAbsent: false, contentType: 'application/sql', signal });
  await put(damaged);
  const directory = await newDirectory();
  for (const form of [[], ['--csv']]) {
    const result = await bed.run(['fetch', 'latest', directory, '--quiet', '--table', 'surface', ...form]);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(/its bytes do not match its manifest: table public\.surface is /);
    expect(await readdir(directory)).toEqual([]);
  }
  await put(whole);
});

test('show --diff tells what each table has gained and lost', async () => {
  const [before, after] = ids;
  const { stdout } = await bed.run(['show', after!, '--diff', before!, '--json']);
  const told = JSON.parse(stdout) as { id: string; other: string; tables: { table: string }[] };
  expect(told).toMatchObject({ id: after, other: before });
  const of = (table: string) => told.tables.find((each) => each.table === table);
  expect(of('public.surface')).toMatchObject({
    before: { rows: 50_000 },
    after: { rows: 49_990 },
    gained: { rows: -10 },
    changed: true,
  });
  expect(of('public.bulk')).toMatchObject({ gained: { rows: 0, bytes: 0 }, changed: true });
  expect(of(NASTY)).toMatchObject({ gained: { rows: 0, bytes: 0 }, changed: false });
  expect(of('public.added')).toMatchObject({ before: null, after: { rows: 0, bytes: 0 } });
  expect(of('public.no_rows')).toMatchObject({ before: { rows: 0, bytes: 0 }, after: null });

  const text = await bed.run(['show', after!, '--diff', before!]);
  expect(text.stdout).toMatch(/^TABLE +ROWS +GAINED +SIZE +GAINED\n/);
  expect(text.stdout).toMatch(/\npublic\.surface +49,990 +-10 +[\d.]+ [kM]iB +-\d+ B\n/i);
  expect(text.stdout).toMatch(/\npublic\.no_rows +- +0 +- +0 B +gone\n/);
  expect(text.stdout).toMatch(/\n\n4 of 6 tables changed from \d{14} to \d{14}\n$/);
  const same = await bed.run(['show', after!, '--diff', after!]);
  expect(same.stdout).toMatch(/^0 of 5 tables changed .*, 5 identical byte for byte\n$/);
});

test('a backup without a manifest has no tables to be compared', async () => {
  const key = 'plain/postgres-backup-20200101000000.sql';
  await bed.store.put(key, Buffer.from(BLOCKS), { ifAbsent: true, contentType: 'text/plain', signal });
  const result = await bed.run(['show', '20200101000000', '--diff', '20200101000000', '--prefix', 'plain/']);
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toMatch(
    /cannot compare the tables of \S+: it has no manifest that describes them — /,
  );
});

test('a partitioned table is fetched as the rows of all its partitions', async () => {
  await bed.database.query(`
    CREATE SCHEMA app;
    CREATE TABLE app.p (at int, name text) PARTITION BY RANGE (at);
    CREATE TABLE app.p_a PARTITION OF app.p FOR VALUES FROM (0) TO (10);
    CREATE TABLE app.p_b PARTITION OF app.p FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (at);
    CREATE TABLE app.p_c PARTITION OF app.p_b FOR VALUES FROM (10) TO (20);
    INSERT INTO app.p SELECT g, 'row ' || g FROM generate_series(1, 19) g;
    CREATE TABLE app.mixed (a int, b text) PARTITION BY LIST (a);
    CREATE TABLE app.mixed_a PARTITION OF app.mixed FOR VALUES IN (1);
    CREATE TABLE app.mixed_b (b text, a int);
    ALTER TABLE app.mixed ATTACH PARTITION app.mixed_b FOR VALUES IN (2)`);
  const prefix = ['--prefix', 'partitions/'];
  const { stdout } = await bed.run(['backup', '--json', '--quiet', ...prefix]);
  const { key } = JSON.parse(stdout) as { key: string };
  const fetched = await fetchTable('latest', 'app.p', ...prefix);
  expect(fetched).toMatchObject({ table: 'app.p', rows: 19 });
  expect(fetched.path).toMatch(/\.app\.p\.copy$/);
  expect(await readFile(fetched.path, 'utf8')).toBe((await copyOf('(TABLE app.p)')).toString());
  const csv = await fetchTable('latest', 'p_b', '--csv', ...prefix);
  expect(await readFile(csv.path, 'utf8')).toMatch(/^at,name\n10,row 10\n(.*\n){9}$/);
  const part = await fetchTable('latest', 'app.p_a', ...prefix);
  expect(part).toMatchObject({ table: 'app.p_a', rows: 9 });

  const directory = await newDirectory();
  const fetch = (...args: string[]) => bed.run(['fetch', 'latest', directory, ...prefix, ...args]);
  expect((await fetch('--table', 'app.p')).stderr).toMatch(
    /table app\.p is partitioned: fetching the rows of app\.p_a, app\.p_c\n/,
  );
  expect(await fetch('--table', 'app.mixed', '--quiet')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(
      /cannot fetch table app\.mixed of \S+: it is partitioned, and its partitions order their columns differently — fetch each separately: app\.mixed_a, app\.mixed_b\n$/,
    ),
  });

  const whole = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const damaged = Buffer.from(
    whole.toString('latin1').replace('ATTACH PARTITION app.p_c', 'ATTACH PARTITION app.p_x'),
    'latin1',
  );
  await bed.store.put(key, damaged, { ifAbsent: false, contentType: 'application/sql', signal });
  expect(await fetch('--table', 'p_b', '--quiet')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /section pre-data is sha256:[0-9a-f]{12}… instead of sha256:[0-9a-f]{12}… — use another backup/,
    ),
  });
});
