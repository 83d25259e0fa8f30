import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
/** The database's owner, whom the operator restores for; a grantee of the owner, and one of that grantee. */
let [owner, operator, grantee, other] = ['', '', '', ''];

/** What README asks for: the right to create databases, and membership in the owner. */
beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  const { name } = bed.database;
  [owner, operator, grantee, other] = [`${name}_app`, `${name}_op`, `${name}_grantee`, `${name}_other`];
  await bed.database.query(
    `CREATE ROLE ${owner}; CREATE ROLE ${operator} LOGIN CREATEDB PASSWORD 'x'; GRANT ${owner} TO ${operator};
     CREATE ROLE ${grantee}; CREATE ROLE ${other};
     ALTER DATABASE ${name} OWNER TO ${owner}; SET ROLE ${owner};
     CREATE TABLE public.t (id int); INSERT INTO t VALUES (1)`,
  );
});

afterEach(async () => {
  const roles = [operator, owner, grantee, other].join(', ');
  for (const name of await bed.databases())
    await withClient(bed.env, name, (client) => client.query(`DROP OWNED BY ${roles} CASCADE`));
  await bed.close();
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP ROLE ${roles}`));
});

const inPlace = (what: string, env: Record<string, string> = {}) =>
  bed.run(['restore', what, '--in-place', '--yes', '--no-audit'], env);
const asOperator = (what: string) => inPlace(what, { POSTGRES_USER: operator, POSTGRES_PASSWORD: 'x' });

/** Whether the database is still the one that was there. */
async function isUntouched(): Promise<boolean> {
  const [found] = await bed.database.query(
    `SELECT to_regclass('public.damage') IS NOT NULL AS yes FROM pg_database WHERE datname = current_database()`,
  );
  return (await bed.databases()).length === 1 && found?.yes === true;
}

test.each([
  [
    'a grant by a grantee',
    () =>
      `GRANT SELECT ON t TO ${grantee} WITH GRANT OPTION; SET ROLE ${grantee}; GRANT SELECT ON t TO ${other}`,
    /ACL public\.TABLE t: permission denied to set session authorization/,
  ],
  [
    'a grant on a function of the server',
    () => `GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_reset() TO ${other}`,
    /ACL pg_catalog\.FUNCTION pg_stat_reset\(\): permission denied for function pg_stat_reset/,
  ],
  [
    'a publication of all tables',
    () => 'CREATE PUBLICATION p FOR ALL TABLES',
    /PUBLICATION p: must be superuser to create .*\bFOR ALL TABLES\b/,
  ],
  [
    'an event trigger',
    () => `CREATE FUNCTION public.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      ALTER FUNCTION public.f() OWNER TO ${owner};
      CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.f()`,
    /EVENT TRIGGER watch: permission denied to create event trigger "watch"/,
  ],
])('--in-place drops nothing for a role that can never restore %s', async (_, make, message) => {
  await bed.database.query(make());
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query('CREATE TABLE damage ()');
  const refused = await asOperator('--latest');
  expect(refused.stderr).toMatch(message);
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(await isUntouched()).toBe(true);
});

test('--in-place drops nothing for a role that may not insert rows, as it lacks the rights of an owner', async () => {
  await bed.database.query(
    `ALTER DATABASE ${bed.database.name} OWNER TO ${operator}; REVOKE ${owner} FROM ${operator};
     ALTER ROLE ${operator} NOINHERIT; GRANT ${owner} TO ${operator}; CREATE TABLE damage ()`,
  );
  const file = join(bed.directory, 'dump.sql');
  const body = `${entry('SCHEMA', 's', '-')}CREATE SCHEMA s; GRANT USAGE, CREATE ON SCHEMA s TO ${owner};
${entry('TABLE', 't', 's')}CREATE TABLE s.t (a integer);
ALTER TABLE s.t OWNER TO ${owner};
${entry('TABLE DATA', 't', 's')}COPY s.t (a) FROM stdin;\n1\n\\.\n`;
  await writeFile(file, dumpText(body));
  const refused = await asOperator(file);
  expect(refused.stderr).toMatch(/line 22, TABLE DATA s\.t: permission denied for table t/);
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(await isUntouched()).toBe(true);
});

test.each([
  [
    'a subscription',
    () =>
      `CREATE SUBSCRIPTION ${other} CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false, slot_name = NONE)`,
    () => `DROP SUBSCRIPTION ${other}`,
    /SUBSCRIPTION \S+: /,
  ],
  [
    'an index whose function reads what it may not',
    () => `CREATE FUNCTION public.roles() RETURNS integer LANGUAGE sql IMMUTABLE
             AS 'SELECT count(*)::integer FROM pg_catalog.pg_authid';
           CREATE TABLE public.u (id integer); CREATE INDEX i ON public.u (id) WHERE id < public.roles()`,
    () => 'DROP TABLE u',
    /INDEX public\.i: permission denied for table pg_authid/,
  ],
])('--in-place with --no-owner drops nothing for a role that can never restore %s', async (...row) => {
  const [, make, undo, message] = row;
  await bed.database.query(make());
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query(undo());
  await bed.database.query('CREATE TABLE damage ()');
  const env = { POSTGRES_USER: operator, POSTGRES_PASSWORD: 'x' };
  const refused = await bed.run(
    ['restore', '--latest', '--in-place', '--no-owner', '--yes', '--no-audit'],
    env,
  );
  expect(refused.stderr).toMatch(message);
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(await isUntouched()).toBe(true);
});

test.each(['a backup', 'a compressed dump'])(
  'what needs the rows, and has none in the trial, does not keep --in-place from %s',
  async (form) => {
    await bed.database.query(
      // More than is read along with the text.
      `INSERT INTO t SELECT * FROM generate_series(2, 200000);
       CREATE INDEX i ON t ((1000000 / id));
       CREATE FUNCTION public.rows_of_t() RETURNS bigint LANGUAGE plpgsql AS $$
         BEGIN
           IF NOT EXISTS (SELECT FROM public.t) THEN RAISE syntax_error; END IF;
           RETURN (SELECT count(*) FROM public.t);
         END $$;
       CREATE FUNCTION public.fails() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE internal_error; END $$;
       CREATE MATERIALIZED VIEW a_share AS SELECT 200000 / count(*) AS share FROM t;
       CREATE MATERIALIZED VIEW b_twice AS SELECT 2 * share AS share FROM a_share;
       CREATE MATERIALIZED VIEW c_rows AS SELECT public.rows_of_t() AS counted;
       CREATE MATERIALIZED VIEW d_checked AS SELECT CASE WHEN NOT EXISTS (SELECT FROM t) THEN public.fails() END;
       CREATE TABLE config (key text PRIMARY KEY, value text); INSERT INTO config VALUES ('source', 'config');
       ALTER TABLE config OWNER TO ${owner};
       CREATE FUNCTION public.setting(wanted text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = public AS $$
         DECLARE found text;
         BEGIN
           SELECT value INTO found FROM config WHERE key = wanted;
           IF found IS NULL THEN RAISE insufficient_privilege USING message = 'not configured'; END IF;
           RETURN found;
         END $$;
       CREATE INDEX configured ON t (id) WHERE id::text <> public.setting('source');
       COMMENT ON INDEX configured IS 'of what is configured';
       CREATE MATERIALIZED VIEW e_setting AS SELECT public.setting('source');
       CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN IF current_database() ~ '_restore_' THEN RAISE 'no changes here'; END IF; END $$;
       CREATE EVENT TRIGGER rehearsal_strict ON ddl_command_start EXECUTE FUNCTION public.refuse();
       CREATE SEQUENCE numbers; SELECT setval('numbers', 42);
       SELECT lo_from_bytea(4711, 'large'); COMMENT ON LARGE OBJECT 4711 IS 'an object';
       GRANT SELECT ON LARGE OBJECT 4711 TO ${other};
       CREATE SUBSCRIPTION ${other} CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false)`,
    );
    const file = join(bed.directory, 'dump.sql.gz');
    if (form === 'a backup') expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
    else await writeFile(file, gzipSync(await runPgDump(bed.env, [bed.database.name])));
    await bed.database.query(
      `DELETE FROM t; ALTER SUBSCRIPTION ${other} SET (slot_name = NONE); DROP SUBSCRIPTION ${other}`,
    );
    const restored = await inPlace(form === 'a backup' ? '--latest' : file);
    expect(restored.stderr).toContain('but its rows on an empty database');
    expect(restored).toMatchObject({ status: 0 });
    const [found] = await bed.database.query(
      `SELECT (SELECT count(*)::int FROM t) AS rows, (SELECT share::int FROM b_twice) AS twice,
         (SELECT counted::int FROM c_rows) AS counted, (SELECT last_value::int FROM numbers) AS number,
         encode(lo_get(4711), 'escape') AS large`,
    );
    expect(found).toEqual({ rows: 200000, twice: 2, counted: 200000, number: 42, large: 'large' });
    await bed.database.query(
      `ALTER SUBSCRIPTION ${other} SET (slot_name = NONE); DROP SUBSCRIPTION ${other}`,
    );
  },
);

test.each([
  [
    'does not find a table',
    `CREATE FUNCTION public.counted() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
     CREATE MATERIALIZED VIEW m AS SELECT public.counted();
     CREATE OR REPLACE FUNCTION public.counted() RETURNS bigint LANGUAGE plpgsql
       AS $$ BEGIN RETURN (SELECT count(*) FROM t); END $$`,
    /relation "t" does not exist/,
  ],
  [
    'does not find a column',
    `CREATE TABLE u (a integer, b integer);
     CREATE FUNCTION public.largest() RETURNS integer LANGUAGE plpgsql
       AS $$ BEGIN RETURN (SELECT max(b) FROM public.u); END $$;
     CREATE MATERIALIZED VIEW m AS SELECT public.largest();
     ALTER TABLE u RENAME b TO c`,
    /column "b" does not exist/,
  ],
  [
    'does not find a schema',
    `CREATE SCHEMA tools; CREATE FUNCTION tools.one() RETURNS integer LANGUAGE sql AS 'SELECT 1';
     CREATE FUNCTION public.one() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN tools.one(); END $$;
     CREATE MATERIALIZED VIEW m AS SELECT public.one();
     ALTER SCHEMA tools RENAME TO utils`,
    /schema "tools" does not exist/,
  ],
  [
    'returns another type than it says',
    `CREATE TABLE u (a integer);
     CREATE FUNCTION public.all_of() RETURNS TABLE (x integer) LANGUAGE plpgsql
       AS $$ BEGIN RETURN QUERY SELECT a FROM public.u; END $$;
     CREATE MATERIALIZED VIEW m AS SELECT * FROM public.all_of();
     ALTER TABLE u ALTER a TYPE bigint`,
    /structure of query does not match function result type/,
  ],
])('--in-place drops nothing for a function that %s', async (_, make, message) => {
  await bed.database.query(make);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query('CREATE TABLE damage ()');
  const refused = await inPlace('--latest');
  expect(refused.stderr).toMatch(message);
  expect(refused.stderr).toContain('MATERIALIZED VIEW DATA public.m: ');
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(await isUntouched()).toBe(true);
});

/** Each passes the trial on an empty database; what the server says of it once there are rows, or no old database. */
const AFTER_ROWS: readonly [what: string, make: string, told: RegExp][] = [
  [
    'a materialized view that needs the old database',
    `CREATE FUNCTION public.needs() RETURNS integer LANGUAGE plpgsql AS $$
       BEGIN
         IF NOT EXISTS (SELECT FROM pg_database WHERE datname = 'NAME')
         THEN RAISE connection_failure USING message = 'nothing to connect to'; END IF;
         RETURN 1;
       END $$;
     CREATE MATERIALIZED VIEW m AS SELECT public.needs() AS one;
     CREATE INDEX i ON m (one)`,
    /MATERIALIZED VIEW DATA public\.m: nothing to connect to \(PL\/pgSQL .*\)/,
  ],
  [
    'a key that rows break',
    `CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (p integer CONSTRAINT of_p REFERENCES p);
     SET session_replication_role = replica; INSERT INTO c VALUES (7)`,
    /FK CONSTRAINT public\.c of_p: insert or update on table "c" violates foreign key constraint "of_p"/,
  ],
  [
    'an index by a function that needs the old database',
    `CREATE FUNCTION public.norm(x integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
       BEGIN
         IF NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = 'NAME') THEN RAISE undefined_function; END IF;
         RETURN x;
       END $$;
     CREATE INDEX normed ON t (public.norm(id)); COMMENT ON INDEX normed IS 'of t'`,
    /INDEX public\.normed: undefined_function/,
  ],
];

test.each(
  AFTER_ROWS.flatMap(([what, make, told]) => [
    [what, '1', '', make, told] as const,
    [what, '2', '', make, told] as const,
    [what, '1', 'BEGIN;', make, told] as const,
  ]),
)('%s is left out of a restore in place over %s connections %s', async (...row) => {
  const [, jobs, begin, make, told] = row;
  await bed.database.query(
    `${make.replace('NAME', bed.database.name)};
     CREATE TABLE later (id integer PRIMARY KEY);
     CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
     CREATE EVENT TRIGGER rehearsal_watching ON ddl_command_end EXECUTE FUNCTION public.watch()`,
  );
  const file = join(bed.directory, 'dump.sql');
  const dump = (await runPgDump(bed.env, [bed.database.name])).toString();
  const [head = '', rest = ''] = dump.split(/(?=^SET statement_timeout)/m);
  const end = begin === '' ? '' : '\nCOMMIT;\n\n';
  await writeFile(
    file,
    `${head}${begin}\n${rest.replace(/(?=\n--\n-- PostgreSQL database dump complete)/, end)}`,
  );
  const restored = await bed.run([
    ...['restore', file, '--in-place', '--yes', '--no-audit', '--json'],
    ...['--jobs', jobs],
  ]);
  expect(restored.status).toBe(3);
  expect(restored.stderr).toMatch(
    new RegExp(`ERROR: line \\d+, ${told.source}.*; left out, so that the rows are not lost`),
  );
  const { refused } = JSON.parse(restored.stdout) as { refused: string[] };
  expect(refused[0]).toMatch(told);
  expect(await bed.database.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
  const keys = "SELECT FROM pg_constraint WHERE contype = 'p' AND conrelid = 'later'::regclass";
  expect(await bed.database.query(keys)).toHaveLength(1);
  expect(await bed.database.query('SELECT evtenabled FROM pg_event_trigger')).toEqual([{ evtenabled: 'O' }]);
});

test('what a restore in place leaves out is told to people, and stops every other restore', async () => {
  const [, [, make, told]] = AFTER_ROWS as [unknown, (typeof AFTER_ROWS)[number]];
  await bed.database.query(make);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  const stopped = await bed.run(['restore', '--latest', '--yes', '--no-audit']);
  expect(stopped).toMatchObject({ status: 1, stderr: expect.stringMatching(told) });
  expect(await bed.databases()).toEqual([bed.database.name]);
  const restored = await inPlace('--latest');
  expect(restored).toMatchObject({ status: 3 });
  expect(restored.stdout).toMatch(
    new RegExp(`lacks what the server refused after the rows; .*:\\n {2}line \\d+, ${told.source}`),
  );
});

/** A table with a row that the server refuses, after one that it takes. */
const unfit = (begin: string, end: string) =>
  dumpText(`${begin}${entry('TABLE', 'm')}CREATE TABLE public.m (a integer);
${entry('TABLE', 'n')}CREATE TABLE public.n (a integer CHECK (a < 5));
${entry('TABLE DATA', 'm')}COPY public.m (a) FROM stdin;\n1\n\\.\n
${entry('TABLE DATA', 'n')}COPY public.n (a) FROM stdin;\n1\n7\n\\.\n${end}`);

test('rows that the server refuses once the old database is gone leave what was restored, each time', async () => {
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, unfit('', ''));
  const told =
    /all but what the server refused is in database (\S+), and lacks rows: public\.n \(0 of 2\) — use it \((ALTER .*;)\), or restore /;
  const first = await inPlace(file);
  expect(first).toMatchObject({ status: 1, stdout: '' });
  expect(first.stderr).toMatch(/ had already been dropped, as --in-place requires; all but /);
  const [, left = ''] = told.exec(first.stderr) ?? [];
  expect(await bed.databases()).toEqual([left]);
  // By then there is no database to drop.
  const [, another = '', rename = ''] = told.exec((await inPlace(file)).stderr) ?? [];
  expect(await bed.databases()).toEqual([left, another].sort());
  await withClient(bed.env, 'postgres', async (client) => {
    await client.query(rename);
    await client.query(`DROP DATABASE ${left}`);
  });
  expect(await bed.database.query('SELECT a FROM m')).toEqual([{ a: 1 }]);
});

test('what is left of a backup has the privileges and limits of its database, whatever the server says of the rows', async () => {
  const { name } = bed.database;
  await bed.database.query(
    `CREATE FUNCTION public.needs(x integer) RETURNS boolean LANGUAGE plpgsql AS $$
       BEGIN
         IF NOT EXISTS (SELECT FROM pg_database WHERE datname = '${name}') THEN RAISE feature_not_supported; END IF;
         RETURN true;
       END $$;
     CREATE TABLE unfit (a integer CHECK (public.needs(a))); INSERT INTO unfit VALUES (1);
     ALTER DATABASE ${name} CONNECTION LIMIT 7; REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`,
  );
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  const failed = await inPlace('--latest');
  const [, left = ''] = /all but what the server refused is in database (\S+),/.exec(failed.stderr) ?? [];
  await withClient(bed.env, 'postgres', async (client) => {
    const facts = `SELECT datconnlimit AS most, has_database_privilege($2, oid, 'CONNECT') AS open
      FROM pg_database WHERE datname = $1`;
    expect((await client.query(facts, [left, other])).rows).toEqual([{ most: 7, open: false }]);
    await client.query(`ALTER DATABASE ${left} RENAME TO ${name}`);
  });
  expect(await bed.database.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
});

test('a dump in one transaction that is refused leaves no empty database', async () => {
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, unfit('BEGIN;\n\n', '\nCOMMIT;\n'));
  const failed = await inPlace(file);
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(/ had already been dropped, as --in-place requires: restore it again\n/);
  expect(await bed.databases()).toEqual([]);
  await withClient(bed.env, 'postgres', (client) => client.query(`CREATE DATABASE ${bed.database.name}`));
});

test('what a second attempt in place is refused after the rows is left out too', async () => {
  const [, [, make]] = AFTER_ROWS as [unknown, (typeof AFTER_ROWS)[number]];
  await bed.database.query(make);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  const { name } = bed.database;
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP DATABASE ${name}`));
  expect(await inPlace('--latest')).toMatchObject({ status: 3 });
  expect(await bed.databases()).toEqual([name]);
});

// Since PostgreSQL 16 any role may be given one.
test.skipIf(inject('postgresMajor') >= 16)(
  '--in-place drops nothing for a subscription whose owner may no longer own it',
  async () => {
    const create = `CREATE SUBSCRIPTION ${other} CONNECTION 'host=nowhere.invalid password=x' PUBLICATION p WITH (connect = false)`;
    await bed.database.query(
      `RESET ROLE; ${create}; ALTER ROLE ${grantee} SUPERUSER; ALTER SUBSCRIPTION ${other} OWNER TO ${grantee};
     ALTER ROLE ${grantee} NOSUPERUSER`,
    );
    expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
    await bed.database.query(
      `ALTER SUBSCRIPTION ${other} SET (slot_name = NONE); DROP SUBSCRIPTION ${other}; CREATE TABLE damage ()`,
    );
    const refused = await inPlace('--latest');
    expect(refused.stderr).toMatch(/SUBSCRIPTION \S+: permission denied/);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(await isUntouched()).toBe(true);
  },
);

test('a database that was tried on and cannot be dropped is named, and nothing else is dropped', async () => {
  const file = join(bed.directory, 'dump.sql');
  const held = `pg_stat_get_activity(NULL) WHERE application_name = 'holder'`;
  const body = `DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM ${held}) LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END $$;
${entry('TABLE', 'n')}CREATE TABLE public.n (a integer);\n`;
  await writeFile(file, dumpText(body));
  await bed.database.query('CREATE TABLE damage ()');
  const restoring = asOperator(file);
  const isScratch = (name: string) => name.includes('_restore_');
  let scratch: string | undefined;
  while (scratch === undefined) scratch = (await bed.databases()).find(isScratch);
  await withClient({ ...bed.env, PGAPPNAME: 'holder' }, scratch, async (client) => {
    await client.query("SET application_name = 'holder'");
    const refused = await restoring;
    expect(refused.stderr).toMatch(
      /cannot drop database (\S+), on which all but the rows was tried: .* — drop it and run again: DROP DATABASE "\1";/,
    );
    expect(refused).toMatchObject({ status: 1, stdout: '' });
  });
  await bed.database.query(`DROP DATABASE ${scratch}`);
  expect(await isUntouched()).toBe(true);
});

test('a dump in one transaction, with a materialized view at its end, is tried and restored in place', async () => {
  const file = join(bed.directory, 'dump.sql');
  const table = `${entry('TABLE', 'n')}CREATE TABLE public.n (a integer);\n`;
  const view = `${entry('MATERIALIZED VIEW', 'mv')}CREATE MATERIALIZED VIEW public.mv AS SELECT 1 / count(*) AS a FROM public.n WITH NO DATA;\n`;
  const rows = `${entry('TABLE DATA', 'n')}COPY public.n (a) FROM stdin;\n1\n\\.\n`;
  const fill = `${entry('MATERIALIZED VIEW DATA', 'mv')}REFRESH MATERIALIZED VIEW public.mv;\n`;
  await writeFile(file, dumpText(`BEGIN;\n\n${table}${view}${rows}${fill}\nCOMMIT;\n`));
  expect(await inPlace(file)).toMatchObject({ status: 0 });
  expect(await bed.database.query('SELECT a::int FROM mv')).toEqual([{ a: 1 }]);
});

test('a trigger for each statement that needs the rows of another table does not keep --in-place from a dump', async () => {
  const file = join(bed.directory, 'dump.sql');
  const schema = `${entry('FUNCTION', 'check_config()')}CREATE FUNCTION public.check_config() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NOT EXISTS (SELECT FROM public.a) THEN RAISE 'not configured'; END IF; RETURN NULL; END $$;
${entry('TABLE', 'a')}CREATE TABLE public.a (a integer);
${entry('TABLE', 'b')}CREATE TABLE public.b (a integer);
${entry('TRIGGER', 'b config')}CREATE TRIGGER config BEFORE INSERT ON public.b FOR EACH STATEMENT EXECUTE FUNCTION public.check_config();
`;
  const rows = ['a', 'b'].map(
    (table) => `${entry('TABLE DATA', table)}COPY public.${table} (a) FROM stdin;\n1\n\\.\n`,
  );
  await writeFile(file, dumpText(`${schema}${rows.join('')}`));
  expect(await inPlace(file)).toMatchObject({ status: 0 });
});
