import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { restoreDump } from '../../src/restore/restore.ts';
import { withClient } from '../support/database.ts';
import { dumpText, entry, textSource } from '../support/dump-text.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
let copies = 0;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

/** Restores a dump into a new database of its own. */
async function restore(text: string | Buffer, chunkBytes?: number) {
  const { log, lines } = keepingLog();
  const name = `${bed.database.name}_${++copies}`;
  const context = { database: bed.tool, now: () => new Date(), log, startProgress: noProgress };
  const source = textSource(text, chunkBytes === undefined ? {} : { chunkBytes });
  const options = { target: { kind: 'into', name }, noOwner: false } as const;
  const report = await restoreDump(context, source, options, new AbortController().signal);
  return { name, report, warnings: lines.filter((line) => line.startsWith('warn')) };
}

const query = (database: string, sql: string) =>
  withClient(bed.env, database, async (client) => (await client.query(sql)).rows as unknown[]);

const TABLE = `${entry('TABLE', 't')}CREATE TABLE public.t (id integer, name text);\n`;
const DATA = entry('TABLE DATA', 't');
const COPY = 'COPY public.t (id, name) FROM stdin;\n';

const FAILING: readonly [about: string, body: string, message: string | RegExp][] = [
  [
    'a statement that the server does not understand',
    `${entry('TABLE', 'broken')}CREATE TABEL public.broken ();`,
    'cannot restore ./dump.sql: line 13, TABLE public.broken: syntax error at or near "TABEL" — see the server’s log; `psql -d new_database -f FILE` restores a plain dump and skips what is refused',
  ],
  [
    'a row of another type',
    `${TABLE}${DATA}${COPY}1\tone\nx\ttwo\n\\.\n`,
    /^cannot restore \.\/dump\.sql: line 19, TABLE DATA public\.t: invalid input syntax for type integer: "x" \(COPY t, line 2, column id: "x"\) — /,
  ],
  [
    'a row with too few columns',
    `${TABLE}${DATA}${COPY}1\n\\.\n`,
    /line 18, TABLE DATA public\.t: missing data for column "name"/,
  ],
  [
    'a table that is not there',
    `${DATA}${COPY}1\tone\n\\.\n`,
    /line 13, TABLE DATA public\.t: relation "public\.t" does not exist — take a dump that includes the schema, or/,
  ],
  [
    'a foreign key that does not hold',
    `${TABLE}CREATE TABLE public.u (id integer PRIMARY KEY);\n${DATA}${COPY}1\tone\n\\.\n${entry('FK CONSTRAINT', 't t_fk')}ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_fk FOREIGN KEY (id) REFERENCES public.u(id);`,
    /line 24, FK CONSTRAINT public\.t t_fk: insert or update on table "t" violates foreign key constraint "t_fk"/,
  ],
  [
    'an extension that is not installed',
    `${entry('EXTENSION', 'nonesuch', '-')}CREATE EXTENSION IF NOT EXISTS nonesuch;`,
    /line 13, EXTENSION nonesuch: .*"nonesuch".* — install what the message names on the database server$/,
  ],
  [
    'a privilege that the server does not know',
    `${TABLE}${entry('ACL', 'TABLE t')}GRANT SELECT,OVERSEE ON TABLE public.t TO PUBLIC;`,
    /line 17, ACL public\.TABLE t: unrecognized privilege type "oversee" — give --no-owner, which omits owners and grants$/,
  ],
  [
    'a default privilege that the server does not know',
    `${entry('DEFAULT ACL', 'DEFAULT PRIVILEGES FOR TABLES')}ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT OVERSEE ON TABLES TO PUBLIC;`,
    /line 13, DEFAULT ACL .*: unrecognized privilege type "oversee" — give --no-owner, which omits owners and grants$/,
  ],
  ['a tablespace that is not there', "SET default_tablespace = 'nowhere';", /line 10: .*"nowhere"/],
  [
    'a value that a setting does not take',
    "SET client_min_messages = 'loud';",
    /line 10: invalid value for parameter/,
  ],
  [
    'a COPY in another form than pg_dump’s',
    'COPY nowhere FROM stdin WITH (FORMAT csv);\n',
    /line 10 contains a COPY that reads or writes a file or a program on the server — take another dump/,
  ],
];

test.each(FAILING)('%s stops the restore with its line, type and name', async (_, body, message) => {
  const before = await bed.databases();
  await expect(restore(dumpText(body))).rejects.toMatchObject({
    name: 'RestoreError',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });
  expect(await bed.databases()).toEqual(before);
});

test('settings that the server does not know are skipped, each with a warning', async () => {
  const { name, warnings } = await restore(
    dumpText(`SET setting_of_a_later_server = 0;
SET statement_timeout = 0;
SET SESSION no_such_setting TO 'on';
${TABLE}${DATA}${COPY}1\tone\n\\.\n`),
  );
  expect(warnings).toEqual([
    'warn: line 10: this server does not know the setting setting_of_a_later_server; skipped',
    'warn: line 12: this server does not know the setting no_such_setting; skipped',
  ]);
  expect(await query(name, 'SELECT * FROM t')).toEqual([{ id: 1, name: 'one' }]);
});

test('a time limit that an older server does not know is not missed where the dump only lifts it', async () => {
  const warningsOf = async (setting: string) => (await restore(dumpText(`${setting}\n${TABLE}`))).warnings;
  expect(await warningsOf('SET transaction_timeout = 0;')).toEqual([]);
  expect(await warningsOf('SET transaction_timeout = 600000;')).toEqual(
    inject('postgresMajor') >= 17
      ? []
      : ['warn: line 10: this server does not know the setting transaction_timeout; skipped'],
  );
});

describe('what pg_dump writes where it is told to', () => {
  const SCHEMA = `
    CREATE SCHEMA "S 1";
    CREATE TYPE "S 1".kind AS ENUM ('a');
    CREATE TABLE t (id serial PRIMARY KEY, name text, kind "S 1".kind);
    INSERT INTO t (name) VALUES ('one');
    CREATE FUNCTION f("S 1".kind) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE VIEW by_id AS SELECT id, name FROM t GROUP BY id;
    CREATE TRIGGER none BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
    SELECT lo_create(4711)`;

  test.each<readonly string[]>([
    ['--clean'],
    ['--clean', '--if-exists'],
    ['--schema=public', '--schema="S 1"'],
    ['--quote-all-identifiers', '--clean'],
  ])('%s %s', async (...options) => {
    const other = await createTestBed(inject('postgres'));
    try {
      await other.database.query(SCHEMA);
      const text = await runPgDump(other.env, [...options, other.database.name]);
      const { name, warnings } = await restore(text);
      expect(warnings).toEqual([]);
      const [before, after] = await Promise.all(
        [other.database.name, name].map((database) => runPgDump(other.env, [...options, database])),
      );
      const withoutKey = (dump: Buffer) => dump.toString().replace(/^\\(un)?restrict .*$/gm, '');
      expect(withoutKey(after!)).toBe(withoutKey(before!));
    } finally {
      await other.close();
    }
  });

  test('but what fails to be dropped later stops the restore', async () => {
    const drop = `${TABLE}DROP TABLE public.nowhere;`;
    await expect(restore(dumpText(drop))).rejects.toMatchObject({
      message: expect.stringContaining('"nowhere" does not exist'),
    });
  });
});

test('a dump from before PostgreSQL 10.3, which leaves schemas to search_path', async () => {
  const { name, report } = await restore(
    dumpText(`SET search_path = public, pg_catalog;

${entry('TABLE', 't')}CREATE TABLE t (id integer, name text);

${DATA}COPY t (id, name) FROM stdin;
1\t\\N
2\tä\\\\b\\tc
\\.


${entry('INDEX', 't_name')}CREATE INDEX t_name ON t USING btree (name);
`),
  );
  expect(report).toMatchObject({ tables: 1, rows: 2 });
  expect(await query(name, 'SELECT id, name FROM public.t ORDER BY id')).toEqual([
    { id: 1, name: null },
    { id: 2, name: 'ä\\b\tc' },
  ]);
});

const OLD_STRINGS = dumpText(`SET standard_conforming_strings = off;
${TABLE}${DATA}INSERT INTO public.t VALUES (1, 'a\\'; still one');
INSERT INTO public.t VALUES (2, 'b');
`);

test.runIf(inject('postgresMajor') >= 19)(
  'strings that the server reads otherwise stop a restore',
  async () => {
    await expect(restore(OLD_STRINGS)).rejects.toThrow(
      /line 10: non-standard string literals are not supported — restore it on a server before PostgreSQL 19, /,
    );
  },
);

test.runIf(inject('postgresMajor') < 19)('a dump by --inserts, with old strings', async () => {
  const { name } = await restore(OLD_STRINGS);
  expect(await query(name, 'SELECT name FROM t ORDER BY id')).toEqual([
    { name: "a'; still one" },
    { name: 'b' },
  ]);
});

test('rows come through whatever the chunks are cut into, and statistics are gathered', async () => {
  const rows = Array.from({ length: 500 }, (_, id) => `${id}\tname № ${id}`).join('\n');
  const text = dumpText(`${TABLE}${DATA}${COPY}${rows}\n\\.\n`);
  for (const chunkBytes of [7, 1024]) {
    const { name, report } = await restore(text, chunkBytes);
    expect(report).toMatchObject({ tables: 1, rows: 500, bytes: Buffer.byteLength(text) });
    expect(await query(name, `SELECT reltuples FROM pg_class WHERE relname = 't'`)).toEqual([
      { reltuples: 500 },
    ]);
  }
});

test('time limits that the role has for its application do not end a restore', async () => {
  const role = `${bed.database.name}_hasty`;
  await withClient(bed.env, 'postgres', async (client) => {
    await client.query(
      `CREATE ROLE "${role}" SUPERUSER LOGIN PASSWORD 'x'; ALTER ROLE "${role}" SET statement_timeout = '1s'`,
    );
  });
  const file = `${bed.directory}/slow.sql`;
  await writeFile(file, dumpText(`${TABLE}SELECT pg_sleep(1.2);`));
  const env = { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
  try {
    const restored = await bed.run(['restore', file, '--into', role, '--quiet'], env);
    expect(restored).toMatchObject({ status: 0, stderr: expect.not.stringContaining('timeout') });
  } finally {
    await withClient(bed.env, 'postgres', async (client) => {
      await client.query(`DROP DATABASE IF EXISTS "${role}"`);
      await client.query(`DROP ROLE "${role}"`);
    });
  }
});

test.each([
  [1, 'a dump', ''],
  [2, 'a dump', ''],
  [2, 'a dump that opens a transaction of its own', 'BEGIN;\n'],
])('over %i connections, what follows the rows of %s is told step by step', async (asked, about, begin) => {
  const database = `${bed.database.name}_steps_${asked}_${about.length}`;
  const steps: string[] = [];
  const startProgress = () => ({ ...noProgress('', 0), step: (what: string) => steps.push(what) });
  const context = { database: bed.tool, now: () => new Date(), log: keepingLog().log, startProgress };
  const index = (name: string) => `${entry('INDEX', name)}CREATE INDEX ${name} ON public.t (id);\n`;
  const end = begin === '' ? '' : 'COMMIT;\n';
  const text = dumpText(
    `${begin}${TABLE}${DATA}${COPY}1\tone\n\\.\n${index('first_idx')}${index('second_idx')}${end}`,
  );
  const options = {
    target: { kind: 'into', name: database },
    noOwner: false,
    jobs: { asked, cores: 2 },
  } as const;
  await restoreDump(context, textSource(text), options, new AbortController().signal);
  expect(steps[0]).toMatch(/^indexes and constraints: 0( of 2)? done, now first_idx$/);
  expect(steps).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^indexes and constraints: \d.* second_idx$/),
      'indexes and constraints: 2 done',
    ]),
  );
  // The server's own catalogs are none of the dump's tables.
  expect(steps.filter((step) => step.startsWith('planner'))).toEqual([
    'planner statistics: 0 of 1 done, now public.t',
    'planner statistics: 1 done',
  ]);
});
