import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const MIB = 1024 ** 2;
const ODD = '"Größe, alt"."a/b ""c"""';

/** Some tables that hang together, and much else that a narrow restore leaves alone. */
const SCHEMA = `
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
  CREATE TABLE bulk AS SELECT g AS id, repeat(md5(g::text), 20) AS body FROM generate_series(1, 30000) g;
  CREATE INDEX bulk_body ON bulk (body);
  CREATE TABLE owner (id int PRIMARY KEY, name text);
  INSERT INTO owner SELECT g, 'owner ' || g FROM generate_series(1, 100) g;
  CREATE TABLE surface (id serial PRIMARY KEY, owner int REFERENCES owner, parent int REFERENCES surface, name text);
  INSERT INTO surface (owner, name) SELECT 1 + g % 100, 'surface ' || g FROM generate_series(1, 1000) g;
  CREATE TABLE topography (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL, size int GENERATED ALWAYS AS (length(body)) STORED,
    surface int REFERENCES surface DEFERRABLE INITIALLY DEFERRED, reader name DEFAULT current_user);
  INSERT INTO topography (body, surface) SELECT repeat(md5(g::text), 6), 1 + g % 1000 FROM generate_series(1, 10000) g;
  SET CONSTRAINTS ALL IMMEDIATE;
  CREATE INDEX topography_body ON topography (lower(body)) WHERE id > 5;
  COMMENT ON INDEX topography_body IS 'of bodies';
  CREATE TRIGGER touched BEFORE UPDATE ON topography FOR EACH ROW EXECUTE FUNCTION touch();
  ALTER TABLE topography DISABLE TRIGGER touched;
  COMMENT ON TRIGGER touched ON topography IS 'off';
  ALTER TABLE topography ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON topography USING (reader = current_user);
  CREATE RULE kept AS ON DELETE TO topography WHERE OLD.id < 3 DO INSTEAD NOTHING;
  CREATE STATISTICS together (dependencies) ON surface, size FROM topography;
  GRANT SELECT ON topography TO PUBLIC;
  CREATE SCHEMA "Größe, alt";
  CREATE TABLE ${ODD} (id int, "a,b" text UNIQUE);
  INSERT INTO ${ODD} VALUES (1, NULL), (2, ''), (3, E'tab\\t\\nline'), (4, '\\.'), (5, '\\N');
  CREATE TABLE measured (at date, value int, PRIMARY KEY (at, value)) PARTITION BY RANGE (at);
  CREATE TABLE measured_2025 PARTITION OF measured FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  INSERT INTO measured SELECT date '2025-01-01' + g % 700, g FROM generate_series(1, 2000) g;
  CREATE VIEW by_owner AS SELECT o.id, o.name, count(*) FROM owner o JOIN surface s ON s.owner = o.id GROUP BY o.id;
  CREATE MATERIALIZED VIEW sizes AS SELECT size, count(*) FROM topography GROUP BY size;
  CREATE UNIQUE INDEX ON sizes (size);
  CREATE MATERIALIZED VIEW kept_by_owner AS SELECT id, name, count(*) FROM owner GROUP BY id;
  CREATE FUNCTION owners() RETURNS SETOF text BEGIN ATOMIC SELECT name FROM owner GROUP BY id; END;
  CREATE TABLE mail (address text CONSTRAINT one_mail UNIQUE);
  CREATE PROCEDURE add_mail(address text) BEGIN ATOMIC INSERT INTO mail VALUES (address) ON CONFLICT ON CONSTRAINT one_mail DO NOTHING; END;
  CREATE FUNCTION keep(int, int) RETURNS int BEGIN ATOMIC SELECT $1 FROM owner GROUP BY id; END;
  CREATE AGGREGATE kept(int) (SFUNC = keep, STYPE = int);
  CREATE MATERIALIZED VIEW kept_sizes AS SELECT kept(size) FROM topography;
  CREATE PUBLICATION everything FOR TABLE surface, topography;
  CREATE FUNCTION watch_drops() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
  CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION watch_drops();
  SELECT lo_from_bytea(4711, repeat('x', 5000)::bytea)`;

let bed: TestBed;
let id: string;
let copies = 0;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(SCHEMA);
  const { stdout } = await bed.run(['backup', '--json', '--quiet']);
  id = (JSON.parse(stdout) as { id: string }).id;
});

afterAll(() => bed.close());

const newName = () => `${bed.database.name}_${++copies}`;

const query = (database: string, sql: string) =>
  withClient(bed.env, database, async (client) => (await client.query(sql)).rows as unknown[]);

/** What pg_dump writes of a table, with all that belongs to it. */
async function dumpOf(database: string, table: string): Promise<string> {
  const dump = await runPgDump(bed.env, [`--table=${table}`, database]);
  return dump.toString().replace(/^\\(un)?restrict .*$/gm, '');
}

interface Restored {
  readonly database: string;
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly bytesRead: number;
  readonly only: readonly { readonly table: string; readonly rows: number; readonly bytes: number }[];
}

async function restore(what: string, tables: readonly string[], ...more: string[]) {
  const database = newName();
  const named = tables.flatMap((table) => ['--table', table]);
  const result = await bed.run(['restore', ...named, what, '--into', database, '--json', ...more]);
  expect(result).toMatchObject({ status: 0 });
  return { database, report: JSON.parse(result.stdout) as Restored, log: result.stderr };
}

const LEFT_OUT = /^--\n-- Name: surface surface_owner_fkey; Type: FK CONSTRAINT.*\n--\n\nALTER.*\n.*\n\n\n/m;

test('named tables come back with all that is theirs, by the bytes that it takes', async () => {
  bed.server.requests.length = 0;
  const { database, report, log } = await restore(id, ['public.topography', 'surface'], '--jobs', '2');
  const surface = await dumpOf(bed.database.name, 'surface');
  expect(surface).toMatch(LEFT_OUT);
  expect(await dumpOf(database, 'surface')).toBe(surface.replace(LEFT_OUT, ''));
  expect(await dumpOf(database, 'topography')).toBe(await dumpOf(bed.database.name, 'topography'));
  expect(log).toMatch(
    /left out foreign key surface_owner_fkey of public\.surface to public\.owner, because the rows it refers to were not restored/,
  );
  expect(log).toMatch(/reading [\d.]+ MiB of 2\d(\.\d)? MiB/);

  const own = report.only.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(report).toMatchObject({ tables: 2, rows: 11_000 });
  expect(report.only.map(({ table, rows }) => [table, rows])).toEqual([
    ['public.surface', 1000],
    ['public.topography', 10_000],
  ]);
  expect(own).toBeGreaterThan(report.bytes / 12);
  expect(report.bytesRead).toBeLessThan(own + 2 * MIB);
  expect(bytesAsked()).toBeLessThan(own + 2 * MIB);

  // What is not named is there, and empty.
  expect(
    await query(
      database,
      `SELECT (SELECT count(*)::int FROM bulk) AS bulk, (SELECT count(*)::int FROM owner) AS owner,
         (SELECT count(*)::int FROM pg_publication) AS publications, (SELECT count(*)::int FROM pg_event_trigger) AS triggers,
         (SELECT count(*)::int FROM pg_largeobject_metadata) AS large, (SELECT relispopulated FROM pg_class WHERE relname = 'sizes') AS populated`,
    ),
  ).toEqual([{ bulk: 0, owner: 0, publications: 0, triggers: 0, large: 0, populated: false }]);
});

/** Bytes of dumps that the S3 server was asked for. */
function bytesAsked(): number {
  return bed.server.requests
    .filter(({ operation, key }) => operation === 'GetObject' && key.endsWith('.sql'))
    .map(({ range }) => range!.match(/\d+/g)!.map(Number))
    .reduce((sum, [start, end]) => sum + end! - start! + 1, 0);
}

test('what groups by a primary key is there too, be it of a table whose rows are left out', async () => {
  const { database } = await restore(id, ['topography'], '--jobs', '2');
  const without = (dump: string) =>
    dump
      .replace(/(?<=FROM stdin;\n)(\d.*\n)+/, '')
      .replace(/--\n-- Name: \w+; Type: MATERIALIZED VIEW DATA.*\n--\n\n.*\n\n\n/, '');
  for (const relation of ['by_owner', 'kept_by_owner', 'owner']) {
    expect(await dumpOf(database, relation)).toBe(without(await dumpOf(bed.database.name, relation)));
  }
  expect(await query(database, 'SELECT owners(), id FROM by_owner')).toEqual([]);
  await query(database, "CALL add_mail('a'); CALL add_mail('a'); REFRESH MATERIALIZED VIEW kept_sizes");
});

test('a table of any name, and one partition', async () => {
  const tables = [ODD, 'measured_2026'];
  const { database, report } = await restore('latest', tables);
  expect(report.only.map(({ table }) => table)).toEqual([ODD, 'public.measured_2026']);
  expect(await dumpOf(database, ODD)).toBe(await dumpOf(bed.database.name, ODD));
  expect(await query(database, 'SELECT count(*)::int FROM measured')).toEqual(
    await query(bed.database.name, 'SELECT count(*)::int FROM measured_2026'),
  );
});

test('a table with partitions stands for them all', async () => {
  const { database, report } = await restore(id, ['public.measured']);
  expect(report.only.map(({ table }) => table)).toEqual(['public.measured_2025', 'public.measured_2026']);
  expect(await dumpOf(database, 'measured*')).toBe(await dumpOf(bed.database.name, 'measured*'));
});

test.each(['sql', 'sql.gz'])('of a local .%s, which is read through first', async (suffix) => {
  const directory = bed.directory;
  const { stdout } = await bed.run(['fetch', id, directory, '--json', '--quiet']);
  const { path } = JSON.parse(stdout) as { path: string };
  const file = join(directory, `copy-${copies}.${suffix}`);
  const plain = await readFile(path);
  await writeFile(file, suffix === 'sql' ? plain : gzipSync(plain, { level: 1 }));
  await rm(path);
  const { database, report, log } = await restore(file, ['owner']);
  expect(await dumpOf(database, 'owner')).toBe(await dumpOf(bed.database.name, 'owner'));
  if (suffix === 'sql') expect(report.bytesRead).toBeLessThan(2 * MIB);
  else {
    expect(report.bytesRead).toBe(plain.length);
    expect(log).toMatch(/is compressed, so all of it must be read/);
  }
});

test('a table with partitions out of a .dump, of which pg_restore makes another text each time', async () => {
  const file = join(bed.directory, 'custom.dump');
  await writeFile(file, await runPgDump(bed.database.env, ['-Fc', bed.database.name]));
  const { database } = await restore(file, ['measured']);
  expect(await dumpOf(database, 'measured*')).toBe(await dumpOf(bed.database.name, 'measured*'));
});

test('of a dump with a transaction of its own everything is restored, or it is refused', async () => {
  const rows = `${entry('TABLE DATA', 't')}COPY public.t (id) FROM stdin;\n1\n\\.\n`;
  const begun = `BEGIN;\n${entry('TABLE', 't')}CREATE TABLE public.t (id int);\n${rows}
${entry('FUNCTION', 'f()')}CREATE FUNCTION public.f() RETURNS int BEGIN ATOMIC SELECT id FROM public.nowhere; END;
${entry('VIEW', 'v')}CREATE OR REPLACE VIEW public.v AS SELECT id FROM public.t;\n`;
  for (const [end, ends] of [
    ['COMMIT;\n', 0],
    ['', 1],
  ] as const) {
    const file = join(bed.directory, `begun-${ends}.sql`);
    await writeFile(file, dumpText(begun + end));
    const database = newName();
    const { status, stderr } = await bed.run(['restore', file, '--table', 't', '--into', database]);
    expect({ status, stderr }).toMatchObject({ status: ends });
    if (ends === 1) expect(stderr).toMatch(/it begins a transaction and does not commit it/);
    else {
      expect(stderr).toMatch(/WARN: left out because .*"public\.nowhere" does not exist/);
      expect(await query(database, 'SELECT id FROM v')).toEqual([{ id: 1 }]);
    }
  }
});

test('a key of another table that the server refuses is warned of', async () => {
  const file = join(bed.directory, 'refused-key.sql');
  const rows = `${entry('TABLE DATA', 't')}COPY public.t (id) FROM stdin;\n1\n\\.\n`;
  const key = `${entry('CONSTRAINT', 'u x')}ALTER TABLE ONLY public.u\n    ADD CONSTRAINT x EXCLUDE USING btree (public.gone(id) WITH =);\n`;
  const tables = `${entry('TABLE', 't')}CREATE TABLE public.t (id int);\n${entry('TABLE', 'u')}CREATE TABLE public.u (id int);\n`;
  await writeFile(file, dumpText(`${tables}${rows}${key}`));
  const { log } = await restore(file, ['t']);
  expect(log).toMatch(
    /WARN: left out because .*CONSTRAINT public\.u x: function public\.gone\(integer\) does not exist/,
  );
});

test('a definition that the server does not take is warned of, with the rights on it', async () => {
  const file = join(bed.directory, 'old.sql');
  const lacking = `${entry('FUNCTION', 'f()')}CREATE FUNCTION public.f() RETURNS int BEGIN ATOMIC SELECT id FROM public.nowhere; END;
${entry('COMMENT', 'FUNCTION f()')}COMMENT ON FUNCTION public.f() IS 'gone';
${entry('ACL', 'FUNCTION f()')}GRANT ALL ON FUNCTION public.f() TO PUBLIC;
`;
  const rows = `${entry('TABLE DATA', 't')}COPY public.t (id) FROM stdin;\n1\n\\.\n`;
  const key = `${entry('CONSTRAINT', 't t_pkey')}ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n`;
  await writeFile(
    file,
    dumpText(`${entry('TABLE', 't')}CREATE TABLE public.t (id int);\n${rows}${key}${lacking}`),
  );
  const { database, log } = await restore(file, ['t']);
  expect(log.match(/WARN: left out because .*/g)).toEqual([
    expect.stringMatching(/FUNCTION public\.f\(\): relation "public\.nowhere" does not exist/),
    expect.stringMatching(/COMMENT public\.FUNCTION f\(\): function public\.f\(\) does not exist/),
    expect.stringMatching(/ACL public\.FUNCTION f\(\): function public\.f\(\) does not exist/),
  ]);
  expect(await query(database, 'SELECT id FROM t')).toEqual([{ id: 1 }]);
});

test.each([
  [['--table', 'owner'], 2, /--table needs --into — add --into NAME, an unused name/],
  [['--table', 'owner', '--in-place'], 2, /--table needs --into — add --into/],
  [['--table', 'owner', '--into', 'x', '--in-place'], 2, /--into and --in-place cannot be combined/],
  [['--table', 'owner', '--into', 'x', '--drop-old'], 2, /--into and --drop-old cannot be combined/],
  [
    ['--table', 'topografy', '--into', 'x'],
    4,
    /no rows of a table with this name — did you mean public\.topography\?/,
  ],
  [['--table', 'topografy', '--into', 'x', '--dry-run'], 4, /did you mean public\.topography\?/],
  [['--table', 'a b', '--into', 'x'], 2, /it is not a table name/],
])('%j ends with status %i and changes nothing', async (args, status, message) => {
  const before = await bed.databases();
  const result = await bed.run(['restore', id, '--quiet', ...args]);
  expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) });
  expect(await bed.databases()).toEqual(before);
});

test('an index by a function that reads a table that was not named is explained', async () => {
  const file = join(bed.directory, 'reads-another.sql');
  const table = (name: string) => `${entry('TABLE', name)}CREATE TABLE public.${name} (id int);\n`;
  const rows = (name: string) => `${entry('TABLE DATA', name)}COPY public.${name} (id) FROM stdin;\n7\n\\.\n`;
  const reads = `${entry('FUNCTION', 'rate()')}CREATE FUNCTION public.rate() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
    DECLARE found int; BEGIN SELECT id INTO STRICT found FROM public.rates; RETURN found; END $$;\n`;
  const index = `${entry('INDEX', 'rated')}CREATE INDEX rated ON public.bill ((id * public.rate()));\n`;
  await writeFile(
    file,
    dumpText([table('bill'), table('rates'), reads, rows('bill'), rows('rates'), index].join('')),
  );
  const into = newName();
  const args = ['restore', file, '--into', into, '--table', 'public.bill'];
  expect(await bed.run(args)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /INDEX public\.rated: query returned no rows .* — also give --table for the tables that this reads, or /,
    ),
  });
  expect(await bed.run([...args, '--table', 'public.rates'])).toMatchObject({ status: 0 });
});

test.each([
  ['int', 'seven'],
  ['json', '{seven}'],
])('a value that is no %s is not blamed on tables that were not named', async (type, value) => {
  const file = join(bed.directory, 'no-value.sql');
  const table = `${entry('TABLE', 'bill')}CREATE TABLE public.bill (id ${type});\n`;
  const rows = `${entry('TABLE DATA', 'bill')}COPY public.bill (id) FROM stdin;\n${value}\n\\.\n`;
  await writeFile(file, dumpText([table, rows].join('')));
  const { status, stderr } = await bed.run(['restore', file, '--into', newName(), '--table', 'public.bill']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/TABLE DATA public\.bill: invalid input syntax for type .* — see the server’s log/);
});

test('bytes that are other ones end it, and the new database is gone', async () => {
  const key = `backup/postgres-backup-${id}.sql`;
  const signal = new AbortController().signal;
  const whole = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const put = (body: Buffer) =>
    bed.store.put(key, body, { ifAbsent: false, contentType: 'application/sql', signal });
  const damaged: readonly (readonly [within: string, message: RegExp])[] = [
    ['owner 77', /table public\.owner is /],
    ['of bodies', /section post-data is /],
  ];
  const before = await bed.databases();
  for (const [within, message] of damaged) {
    const body = Buffer.from(whole);
    const at = whole.indexOf(within) + within.length - 1;
    body[at] = body[at]! ^ 1;
    await put(body);
    const result = await bed.run(['restore', id, '--table', 'owner', '--into', newName(), '--quiet']);
    expect(result).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(message) });
    expect(await bed.databases()).toEqual(before);
  }
  await put(whole);
});
