import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/catalog/manifest.ts';
import { lockKey } from '../../src/postgres/advisory-lock.ts';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
const ODD = '"Größe, alt"."a/b ""c"""';

let bed: TestBed;
let id: string;
let before: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  // In a dump the rows of a_topography stand before those that they refer to.
  await bed.database.query(`
    CREATE TABLE bulk AS SELECT g AS id, repeat(md5(g::text), 20) AS body FROM generate_series(1, 5000) g;
    CREATE TABLE surface (id serial PRIMARY KEY, name text);
    INSERT INTO surface (name) SELECT 'surface ' || g FROM generate_series(1, 100) g;
    CREATE TABLE a_topography (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, surface int REFERENCES surface,
      twin bigint REFERENCES a_topography DEFERRABLE INITIALLY DEFERRED, body xml);
    INSERT INTO a_topography (surface, twin, body) SELECT 1 + g % 100, 5001 - g, xml('text ' || g) FROM generate_series(1, 5000) g;
    CREATE SCHEMA "Größe, alt";
    CREATE TABLE ${ODD} (id int, "a,b" text, twice int GENERATED ALWAYS AS (id * 2) STORED);
    INSERT INTO ${ODD} VALUES (1, NULL), (2, ''), (3, E'tab\\t\\nline'), (4, '\\.'), (5, '\\N')`);
  const { stdout } = await bed.run(['backup', '--json', '--quiet']);
  id = (JSON.parse(stdout) as { id: string }).id;
  before = await state();
});

beforeEach(async () => {
  await bed.database.query(
    `TRUNCATE a_topography, surface RESTART IDENTITY; TRUNCATE ${ODD}; SELECT setval('surface_id_seq', 1000)`,
  );
});

afterAll(() => bed.close());

/** The rows of the tables, and what their sequences would give next. */
async function state(): Promise<Readonly<Record<string, unknown>>> {
  const [row] = await bed.database.query<Record<string, unknown>>(
    `SELECT (SELECT md5(string_agg(t::text, '/' ORDER BY id)) FROM a_topography t) AS topography,
       (SELECT md5(string_agg(t::text, '/' ORDER BY id)) FROM surface t) AS surface,
       (SELECT md5(string_agg(t::text, '/' ORDER BY id)) FROM ${ODD} t) AS odd,
       (SELECT last_value FROM a_topography_id_seq) AS sequence`,
  );
  return row!;
}

const TABLES = ['--table', 'a_topography', '--table', 'public.surface', '--table', ODD, '--data-only'];

const restore = (what: string, ...args: string[]) =>
  bed.run(['restore', what, '--into', bed.database.name, '--json', ...args]);

test('rows go back into their tables, by little more than their bytes', async () => {
  bed.server.requests.length = 0;
  const result = await restore(id, ...TABLES, '--yes');
  expect(result).toMatchObject({ status: 0 });
  expect(await state()).toEqual(before);
  // A sequence that is further on is not set back.
  expect(await bed.database.query(`SELECT nextval('surface_id_seq')::int AS next`)).toEqual([{ next: 1001 }]);

  const report = JSON.parse(result.stdout) as { bytesRead: number; only: { bytes: number }[] };
  expect(report).toMatchObject({ database: bed.database.name, tables: 3, rows: 5105 });
  const own = report.only.reduce((sum, { bytes }) => sum + bytes, 0);
  const asked = bed.server.requests
    .filter(({ operation, key }) => operation === 'GetObject' && key.endsWith('.sql'))
    .map(({ range }) => range!.match(/\d+/g)!.map(Number))
    .map(([start, end]) => end! - start! + 1);
  expect(report.bytesRead).toBe(own);
  // And what is before each table's rows, and the beginning of the dump.
  const beside = asked.reduce((sum, bytes) => sum + bytes, 0) - own;
  expect(beside).toBeGreaterThan(0);
  expect(beside).toBeLessThan(8192);
  expect(result.stderr).toMatch(/reading [\d.]+ KiB of [\d.]+ MiB/i);
});

const MISNAMED: readonly [what: string, change: (manifest: Manifest) => Manifest, problem: string][] = [
  [
    'columns in another order',
    (manifest) => ({
      ...manifest,
      tables: manifest.tables.map((table) => ({ ...table, columns: table.columns.toReversed() })),
    }),
    'public.surface (name, id) there, but public.surface (id, name) in the dump',
  ],
  [
    'another encoding',
    (manifest) => ({ ...manifest, encoding: 'LATIN1' }),
    'encoding is LATIN1 there, but UTF8 in the dump',
  ],
  [
    'the names of two tables exchanged',
    (manifest) => {
      const other: Readonly<Record<string, string>> = { bulk: 'surface', surface: 'bulk' };
      const tables = manifest.tables.map((table) => ({ ...table, name: other[table.name] ?? table.name }));
      return { ...manifest, tables };
    },
    'public.surface (id, body) there, but public.bulk (id, body) in the dump',
  ],
];

test.each(MISNAMED)('a manifest with %s puts no row in a wrong place', async (_, change, problem) => {
  const key = `backup/postgres-backup-${id}.manifest.json`;
  const contentType = 'application/json';
  const written = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const changed = encodeManifest(change(decodeManifest(key, written.toString())));
  await bed.store.put(key, changed, { ifAbsent: false, contentType, signal });
  try {
    const result = await restore(id, '--table', 'public.surface', '--data-only', '--yes');
    expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining(problem) as unknown });
    expect(await bed.database.query('SELECT count(*)::int FROM surface')).toEqual([{ count: 0 }]);
    const fetched = await bed.run(['fetch', id, bed.directory, '--table', 'public.surface', '--csv']);
    expect(fetched).toMatchObject({ status: 1, stderr: expect.stringContaining(problem) as unknown });
  } finally {
    await bed.store.put(key, written, { ifAbsent: false, contentType, signal });
  }
});

test('also out of a dump that has to be unpacked, in the order that foreign keys ask for', async () => {
  const key = `backup/postgres-backup-${id}.sql`;
  const whole = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const file = join(bed.directory, 'packed.sql.gz');
  await writeFile(file, gzipSync(whole, { level: 1 }));
  const result = await restore(file, ...TABLES, '--yes');
  expect(result).toMatchObject({ status: 0, stderr: expect.stringMatching(/is compressed, so /) });
  expect(await state()).toEqual(before);
});

test('names and rows of a dump in another encoding', async () => {
  const text = dumpText(
    `${entry('TABLE DATA', 'süß')}COPY public."süß" ("größe") FROM stdin;\nä\\\\ö\n\\.\n`,
  ).replace("'UTF8'", "'LATIN1'");
  const file = join(bed.directory, 'latin1.sql');
  await writeFile(file, Buffer.from(text, 'latin1'));
  await bed.database.query('CREATE TABLE "süß" ("größe" text)');
  expect(await restore(file, '--table', '"süß"', '--data-only', '--yes')).toMatchObject({ status: 0 });
  expect(await bed.database.query('SELECT "größe" AS size FROM "süß"')).toEqual([{ size: 'ä\\ö' }]);
});

test('rows of tables that inherit from it are not taken for those of a table', async () => {
  const file = join(bed.directory, 'parent.sql');
  await writeFile(
    file,
    dumpText(`${entry('TABLE DATA', 'parent')}COPY public.parent (a) FROM stdin;\n1\n\\.\n`),
  );
  await bed.database.query(
    'CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (2)',
  );
  const rows = () => bed.database.query('SELECT a FROM parent ORDER BY 1');
  expect(await restore(file, '--table', 'parent', '--data-only', '--yes')).toMatchObject({ status: 0 });
  expect(await rows()).toEqual([{ a: 1 }, { a: 2 }]);

  const again = await restore(file, '--table', 'parent', '--data-only', '--yes', '--quiet');
  const [, remedy] =
    /is not empty — if its rows are not needed, empty it \((.*)\), or/.exec(again.stderr) ?? [];
  await bed.database.query(remedy!);
  expect(await rows()).toEqual([{ a: 2 }]);
});

test('triggers do not fire for the rows, and are as they were', async () => {
  const file = join(bed.directory, 'triggers.sql');
  const copy = (table: string, row: string) =>
    `${entry('TABLE DATA', table)}COPY public.${table} (id, stamp) FROM stdin;\n${row}\n\\.\n`;
  await writeFile(file, dumpText(copy('stamped_1', '1\tas dumped') + copy('stamped', '2\tas dumped')));
  await bed.database.query(`
    CREATE TABLE told (what text);
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.stamp := 'fired'; RETURN NEW; END $$;
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO told VALUES (TG_NAME); RETURN NULL; END $$;
    CREATE TABLE stamped (id int, stamp text) PARTITION BY LIST (id);
    CREATE TABLE stamped_1 PARTITION OF stamped FOR VALUES IN (1);
    CREATE TABLE stamped_2 PARTITION OF stamped FOR VALUES IN (2);
    CREATE TRIGGER "a stamp" BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
    CREATE TRIGGER b_always AFTER INSERT ON stamped_1 EXECUTE FUNCTION tell();
    ALTER TABLE stamped_1 ENABLE ALWAYS TRIGGER b_always;
    CREATE TRIGGER c_off AFTER INSERT ON stamped_1 EXECUTE FUNCTION tell();
    ALTER TABLE stamped_1 DISABLE TRIGGER c_off;
    CREATE CONSTRAINT TRIGGER d_too AFTER INSERT ON stamped_1 DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION tell()`);
  const states = () =>
    bed.database.query(
      `SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE tgfoid IN ('stamp'::regproc, 'tell'::regproc) ORDER BY 1, 2`,
    );
  const before = await states();
  const result = await restore(file, '--table', 'stamped', '--table', 'stamped_1', '--data-only', '--yes');
  expect(result).toMatchObject({ status: 0 });
  expect(result.stderr).toMatch(
    /INFO: triggers disabled for these rows: public\.stamped: "a stamp", public\.stamped_1: "a stamp", public\.stamped_1: b_always, public\.stamped_1: d_too, public\.stamped_2: "a stamp"$/m,
  );
  expect(await bed.database.query('SELECT * FROM stamped ORDER BY id')).toEqual([
    { id: 1, stamp: 'as dumped' },
    { id: 2, stamp: 'as dumped' },
  ]);
  expect(await bed.database.query('SELECT * FROM told')).toEqual([]);
  expect(await states()).toEqual(before);
});

test('where the database has its sessions replicate, triggers for that do not fire either', async () => {
  const own = await createTestBed(inject('postgres'));
  const { name } = own.database;
  try {
    await own.database.query(`
      CREATE TABLE t (a int);
      CREATE FUNCTION ten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := 10; RETURN NEW; END $$;
      CREATE TRIGGER replicating BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION ten();
      CREATE TRIGGER otherwise BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION ten();
      ALTER TABLE t ENABLE REPLICA TRIGGER replicating;
      ALTER DATABASE ${name} SET session_replication_role = replica`);
    const file = join(own.directory, 'replica.sql');
    await writeFile(file, dumpText(`${entry('TABLE DATA', 't')}COPY public.t (a) FROM stdin;\n1\n\\.\n`));
    const args = ['restore', file, '--table', 't', '--data-only', '--yes', '--into', name];
    expect(await own.run(args)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/triggers disabled for these rows: public\.t: replicating$/m),
    });
    expect(await own.database.query('SELECT a FROM t')).toEqual([{ a: 1 }]);
    expect(
      await own.database.query('SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1'),
    ).toEqual([
      { tgname: 'otherwise', tgenabled: 'O' },
      { tgname: 'replicating', tgenabled: 'R' },
    ]);
  } finally {
    await own.close();
  }
});

test('a trigger whose name no client can spell does not fire either', async () => {
  const ascii = await createTestBed(inject('postgres'), `TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`);
  try {
    const file = join(bed.directory, 'spelled.sql');
    await writeFile(file, dumpText(`${entry('TABLE DATA', 't')}COPY public.t (a) FROM stdin;\n1\n\\.\n`));
    await ascii.database.query(`
      CREATE TABLE t (a int);
      CREATE FUNCTION ten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := 10; RETURN NEW; END $$;
      DO $$ BEGIN
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION ten()', convert_from('\\x74e4', 'SQL_ASCII'));
      END $$`);
    const into = ['--into', ascii.database.name];
    const args = ['restore', file, '--table', 't', '--data-only', '--yes', ...into];
    expect(await ascii.run(args)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/triggers disabled for these rows: OID \d+$/m),
    });
    expect(await ascii.database.query('SELECT a FROM t')).toEqual([{ a: 1 }]);
  } finally {
    await ascii.close();
  }
});

test('triggers are switched off also where the role may use no language for that', async () => {
  const own = await createTestBed(inject('postgres'));
  try {
    await own.database.query(`
      DROP EXTENSION plpgsql;
      CREATE TABLE t (d tsvector, e text);
      CREATE TRIGGER "T" BEFORE INSERT ON t FOR EACH ROW
        EXECUTE FUNCTION tsvector_update_trigger(d, 'pg_catalog.simple', e);
      INSERT INTO t (e) VALUES ('a word'); UPDATE t SET d = NULL`);
    expect(await own.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
    await own.database.query('DELETE FROM t');
    const args = ['restore', '--latest', '--table', 't', '--data-only', '--into', own.database.name, '--yes'];
    expect(await own.run(args)).toMatchObject({ status: 0 });
    expect(await own.database.query('SELECT d, e FROM t')).toEqual([{ d: null, e: 'a word' }]);
  } finally {
    await own.close();
  }
});

test('a foreign key that is checked when all rows are in says which row it is, and what to do', async () => {
  await bed.database.query(`
    CREATE TABLE late_parent (id int PRIMARY KEY);
    CREATE TABLE late (p int REFERENCES late_parent DEFERRABLE INITIALLY DEFERRED)`);
  const file = join(bed.directory, 'late.sql');
  await writeFile(file, dumpText(`${entry('TABLE DATA', 'late')}COPY public.late (p) FROM stdin;\n7\n\\.\n`));
  const { status, stderr } = await restore(file, '--table', 'late', '--data-only', '--yes', '--quiet');
  expect(status).toBe(1);
  expect(stderr).toMatch(
    / violates foreign key constraint "late_p_fkey" \(Key \(p\)=\(7\) is not present .*\) — also give --table for the table/,
  );
  expect(await bed.database.query('SELECT p FROM late')).toEqual([]);
});

test('an event trigger that keeps triggers from being switched off is named as what refuses the rows', async () => {
  const file = join(bed.directory, 'guarded.sql');
  await writeFile(
    file,
    dumpText(`${entry('TABLE DATA', 'guarded')}COPY public.guarded (a) FROM stdin;\n1\n\\.\n`),
  );
  await bed.database.query(`
    CREATE TABLE guarded (a int);
    CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    CREATE TRIGGER same BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION same();
    CREATE FUNCTION guard() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no DDL by hand'; END $$;
    CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION guard()`);
  try {
    const refused = await restore(file, '--table', 'guarded', '--data-only', '--yes', '--quiet');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /: trigger public\.guarded: same cannot be disabled for these rows: no DDL by hand — find what refuses it, such as an event trigger, /,
    );
  } finally {
    await bed.database.query('DROP EVENT TRIGGER guard');
  }
});

test('triggers of a table that the role does not own fire, and are told', async () => {
  const file = join(bed.directory, 'owned.sql');
  await writeFile(
    file,
    dumpText(`${entry('TABLE DATA', 'owned')}COPY public.owned (a) FROM stdin;\n1\n\\.\n`),
  );
  const role = `${bed.database.name}_writer`;
  await bed.database.query(`
    CREATE ROLE ${role} LOGIN PASSWORD 'x';
    CREATE TABLE owned (a int);
    CREATE FUNCTION ten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := 10; RETURN NEW; END $$;
    CREATE TRIGGER ten BEFORE INSERT ON owned FOR EACH ROW EXECUTE FUNCTION ten();
    GRANT ALL ON owned TO ${role}`);
  try {
    const args = ['restore', file, '--table', 'owned', '--data-only', '--into', bed.database.name, '--yes'];
    const result = await bed.run(args, { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });
    expect(result).toMatchObject({ status: 0 });
    expect(result.stderr).toMatch(
      /WARN: triggers fire for these rows and may change them, .*: public\.owned: ten$/m,
    );
    expect(await bed.database.query('SELECT a FROM owned')).toEqual([{ a: 10 }]);
  } finally {
    await bed.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test('a partitioned table with rows is emptied by what is advised', async () => {
  const file = join(bed.directory, 'root.sql');
  await writeFile(file, dumpText(`${entry('TABLE DATA', 'root')}COPY public.root (a) FROM stdin;\n1\n\\.\n`));
  await bed.database.query(
    'CREATE TABLE root (a int) PARTITION BY LIST (a); CREATE TABLE leaf PARTITION OF root DEFAULT; INSERT INTO root VALUES (2)',
  );
  const refused = await restore(file, '--table', 'root', '--data-only', '--yes', '--quiet');
  const [, remedy] =
    /is not empty — if its rows are not needed, empty it \((.*)\), or/.exec(refused.stderr) ?? [];
  await bed.database.query(remedy!);
  expect(await restore(file, '--table', 'root', '--data-only', '--yes')).toMatchObject({ status: 0 });
  expect(await bed.database.query('SELECT a FROM root')).toEqual([{ a: 1 }]);
});

test('tables with partitions go back in the order of their foreign keys, and sequences go on behind their rows', async () => {
  const own = await createTestBed(inject('postgres'));
  const { database } = own;
  try {
    await database.query(`
      CREATE TABLE z_parent (id bigserial, at int, PRIMARY KEY (id, at)) PARTITION BY LIST (at);
      CREATE TABLE z_parent_1 PARTITION OF z_parent FOR VALUES IN (1);
      CREATE TABLE a_child (parent bigint, at int, FOREIGN KEY (parent, at) REFERENCES z_parent) PARTITION BY LIST (at);
      CREATE TABLE a_child_1 PARTITION OF a_child FOR VALUES IN (1);
      CREATE TABLE base (id serial PRIMARY KEY);
      CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (base);
      CREATE TABLE tree (at int, id int, parent int, PRIMARY KEY (at, id), FOREIGN KEY (at, parent) REFERENCES tree)
        PARTITION BY LIST (at);
      CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1);
      CREATE TABLE tree_2 PARTITION OF tree FOR VALUES IN (2);
      CREATE TABLE aaa (at int, id int, FOREIGN KEY (at, id) REFERENCES tree);
      INSERT INTO tree VALUES (1, 1), (2, 1);
      INSERT INTO aaa VALUES (1, 1), (2, 1);
      CREATE DOMAIN ident AS bigint;
      CREATE TABLE odd (a numeric(20), b ident);
      CREATE SEQUENCE a OWNED BY odd.a;
      CREATE SEQUENCE b OWNED BY odd.b;
      INSERT INTO odd SELECT nextval('a'), nextval('b') FROM generate_series(1, 7);
      INSERT INTO odd VALUES ('NaN', NULL), (-1e19, NULL);
      CREATE TABLE span (id int, ref int) PARTITION BY LIST (id);
      CREATE TABLE span_1 PARTITION OF span FOR VALUES IN (1);
      CREATE TABLE span_2 PARTITION OF span FOR VALUES IN (2);
      ALTER TABLE span_2 ADD PRIMARY KEY (id);
      ALTER TABLE span_1 ADD FOREIGN KEY (ref) REFERENCES span_2;
      INSERT INTO span VALUES (2, NULL), (1, 2);
      CREATE TABLE down (id int);
      CREATE SEQUENCE down_id INCREMENT -1 MAXVALUE 100 OWNED BY down.id;
      INSERT INTO down SELECT nextval('down_id') FROM generate_series(1, 9);
      CREATE TABLE coded (code text);
      CREATE SEQUENCE code OWNED BY coded.code;
      ALTER TABLE coded ALTER code SET DEFAULT 'INV-' || nextval('code');
      INSERT INTO z_parent (at) SELECT 1 FROM generate_series(1, 50);
      INSERT INTO a_child SELECT id, at FROM z_parent;
      INSERT INTO heir SELECT FROM generate_series(1, 30);
      INSERT INTO coded SELECT FROM generate_series(1, 5)`);
    expect(await own.run(['backup'])).toMatchObject({ status: 0 });
    await database.query(
      'TRUNCATE a_child, z_parent, base, coded, aaa, tree, odd, span, down RESTART IDENTITY CASCADE',
    );
    const tables = ['a_child', 'z_parent', 'heir', 'coded', 'aaa', 'tree', 'odd', 'span', 'down'].flatMap(
      (table) => ['--table', table],
    );
    const restored = await own.run([
      'restore',
      'latest',
      ...tables,
      '--data-only',
      '--into',
      database.name,
      '--yes',
    ]);
    expect(restored).toMatchObject({ status: 0 });
    expect(restored.stderr).toMatch(
      /WARN: sequence code was not advanced: .*, run: SELECT setval\('code', …\);/,
    );
    expect(
      await database.query(
        `SELECT nextval('z_parent_id_seq')::int AS parent, nextval('base_id_seq')::int AS base, nextval('a')::int AS a, nextval('down_id')::int AS down, nextval('b')::int AS b, nextval('code')::int AS code`,
      ),
    ).toEqual([{ parent: 51, base: 31, a: 8, down: 91, b: 8, code: 1 }]);
  } finally {
    await own.close();
  }
});

test.each([
  ['--data-only', '--yes'],
  ['--into', 'without_rows'],
])('a table whose partitions have no rows in the dump is told as such, %s %s', async (...how) => {
  const text = dumpText(`${entry('TABLE', 'whole')}CREATE TABLE public.whole (a int)\nPARTITION BY LIST (a);
${entry('TABLE', 'part')}CREATE TABLE public.part (a int)\nPARTITION BY LIST (a);
${entry('TABLE ATTACH', 'part')}ALTER TABLE ONLY public.whole ATTACH PARTITION public.part FOR VALUES IN (1);
`);
  const file = join(bed.directory, 'parts.sql');
  await writeFile(file, text);
  const result = await restore(file, '--table', 'whole', ...how, '--quiet');
  expect(result).toMatchObject({ status: 4, stdout: '' });
  expect(result.stderr).toMatch(/: it is partitioned, and none of its partitions has rows in the dump — /);
});

test.each([
  [
    'a table with rows',
    `INSERT INTO ${ODD} VALUES (7)`,
    /table Größe, alt\.a\/b "c" is not empty — if its rows are not needed, empty it/,
  ],
  [
    'a table with rows that others follow',
    `CREATE TABLE follower (a int REFERENCES surface ON DELETE CASCADE);
     INSERT INTO surface (id, name) VALUES (-1, 'x')`,
    /public\.surface is not empty — omit --data-only .*: deleting its rows would .* of follower$/m,
  ],
  [
    'a view in place of a table',
    'ALTER TABLE surface RENAME TO gone; CREATE VIEW surface AS SELECT * FROM gone',
    /it has no table public\.surface — omit/,
  ],
  [
    'a row that is refused',
    'ALTER TABLE surface ADD CONSTRAINT short CHECK (length(name) < 10)',
    /public\.surface: new row for relation "surface" violates check constraint "short" \(COPY surface, line 10/,
  ],
  [
    'a column that is gone',
    'ALTER TABLE a_topography RENAME body TO text',
    /public\.a_topography: column "body" of relation "a_topography" does not exist — make the table match/,
  ],
  ['a table that is gone', 'ALTER TABLE surface RENAME TO gone', /it has no table public\.surface — omit/],
  [
    'a foreign key to rows that are not there',
    'ALTER TABLE surface ADD other int DEFAULT 1 REFERENCES bulk_id',
    /public\.surface: .* violates foreign key constraint "surface_other_fkey" — also give --table for the table that these rows/,
  ],
  [
    'a foreign key that does not hold in the end',
    'ALTER TABLE surface ADD other int DEFAULT 1 REFERENCES bulk_id DEFERRABLE INITIALLY DEFERRED',
    /violates foreign key constraint "surface_other_fkey"/,
  ],
])('%s ends it, and nothing has changed', async (_, change, message) => {
  await bed.database.query('CREATE TABLE IF NOT EXISTS bulk_id (id int PRIMARY KEY)');
  await bed.database.query(change);
  const result = await restore(id, ...TABLES, '--yes', '--quiet');
  expect(result).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(message) });
  // What the tables themselves tell is foreseen.
  if (/is not empty|it has no table/.test(message.source)) {
    expect(await restore(id, ...TABLES, '--dry-run', '--quiet')).toEqual(result);
  }
  await bed.database.query(`
    DO $$ BEGIN IF to_regclass('gone') IS NOT NULL THEN DROP VIEW IF EXISTS surface; END IF; END $$;
    ALTER TABLE IF EXISTS gone RENAME TO surface;
    DROP TABLE IF EXISTS follower; DELETE FROM surface WHERE id = -1;
    ALTER TABLE surface DROP CONSTRAINT IF EXISTS short, DROP COLUMN IF EXISTS other;
    DELETE FROM ${ODD} WHERE id = 7`);
  await bed.database.query(
    `DO $$ BEGIN ALTER TABLE a_topography RENAME text TO body; EXCEPTION WHEN undefined_column THEN END $$`,
  );
  expect(await state()).toMatchObject({ topography: null, surface: null, odd: null });
});

test('bytes that are other ones end it, and nothing has changed', async () => {
  const key = `backup/postgres-backup-${id}.sql`;
  const whole = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const put = (body: Buffer) =>
    bed.store.put(key, body, { ifAbsent: false, contentType: 'application/sql', signal });
  const body = Buffer.from(whole);
  body[whole.indexOf('surface 77')] = 0x53;
  await put(body);
  const result = await restore(id, ...TABLES, '--yes', '--quiet');
  await put(whole);
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toMatch(/rows of public\.surface, bytes \d+ to \d+, do not match the dump’s index/);
  expect(await state()).toMatchObject({ topography: null, surface: null, odd: null });
});

test.each([
  [
    ['--data-only', '--into', 'x'],
    2,
    /--data-only needs --table and --into — add --table TABLE and --into DATABASE/,
  ],
  [['--table', 'surface', '--data-only'], 2, /--data-only needs --table and --into/],
  [['--table', 'surface', '--data-only', '--into', 'x', '--jobs', '2'], 2, /omit --jobs/],
  [['--table', 'surface', '--data-only', '--into', 'x', '--no-owner'], 2, /omit --no-owner/],
  [['--table', 'surface', '--data-only', '--into', 'x', '--no-audit'], 2, /omit --no-audit/],
  [['--table', 'surface', '--data-only', '--into', 'x', '--grace', '1d'], 2, /omit --grace/],
  [['--table', 'surface', '--data-only', '--into', 'x', '--in-place'], 2, /cannot be combined/],
  [
    ['--table', 'surface', '--data-only', '--into', 'no_such_database'],
    1,
    /there is no such database — give an existing one/,
  ],
])('%j ends with status %i', async (args, status, message) => {
  const result = await bed.run(['restore', id, '--quiet', ...args]);
  expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) });
});

test('it asks first, tells what it would do, and waits for no other run', async () => {
  const asked = await restore(id, ...TABLES);
  expect(asked).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/which already exists: cannot ask for confirmation/),
  });
  const dry = await restore(id, ...TABLES, '--dry-run');
  expect(JSON.parse(dry.stdout)).toMatchObject({
    dryRun: true,
    would: expect.stringMatching(/^restore rows .*, which already exists$/),
  });
  await withClient(bed.env, 'postgres', async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey(bed.database.name)]);
    expect(await restore(id, ...TABLES, '--yes')).toMatchObject({ status: 5, stdout: '' });
  });
  expect(await state()).toMatchObject({ topography: null, surface: null, odd: null });
});
