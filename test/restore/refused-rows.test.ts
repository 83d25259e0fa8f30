import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterEach(() => bed.close());

const ROWS = 20_000;
/** Two MiB, so that rows that are spread go over each connection. */
const large = Array.from({ length: ROWS }, (_, n) => `${n}\t${'x'.repeat(100)}`);

/** Tables of which the second and the third each have a row that the server refuses. */
const DUMP = dumpText(
  [
    ...['first', 'large', 'small', 'last'].map(
      (name) =>
        `${entry('TABLE', name)}CREATE TABLE public.${name} (id integer CHECK (id <> 15000), body text);`,
    ),
    `${entry('TABLE DATA', 'first')}COPY public.first (id, body) FROM stdin;\n1\tone\n\\.\n`,
    `${entry('TABLE DATA', 'large')}COPY public.large (id, body) FROM stdin;\n${large.join('\n')}\n\\.\n`,
    `${entry('TABLE DATA', 'small')}COPY public.small (id, body) FROM stdin;\nnone\tone\n\\.\n`,
    `${entry('TABLE DATA', 'last')}COPY public.last (id, body) FROM stdin;\n1\tone\n2\ttwo\n\\.\n`,
    `${entry('INDEX', 'last_id')}CREATE INDEX last_id ON public.last (id);\n`,
  ].join('\n'),
);

/** Restores in place a dump of tables whose rows, but for one of them, are refused. */
async function restoreInPlace(dump: string): Promise<{ stderr: string; left: string }> {
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, dump);
  const { stderr } = await bed.run(['restore', file, '--in-place', '--yes', '--no-audit', '--jobs', '1']);
  const [left = ''] = await bed.databases();
  await withClient(bed.env, 'postgres', (client) =>
    client.query(`ALTER DATABASE ${left} RENAME TO ${bed.database.name}`),
  );
  return { stderr, left };
}

const refusing = (name: string) =>
  `${entry('TABLE DATA', name)}COPY public.${name} (id) FROM stdin;\nx\n\\.\n`;
const table = (name: string) => `${entry('TABLE', name)}CREATE TABLE public.${name} (id integer);\n`;

test('large objects are kept where all rows are refused', async () => {
  const blob = `${entry('BLOBS', '1')}SELECT pg_catalog.lo_from_bytea(1, 'kept');\n`;
  const { stderr } = await restoreInPlace(dumpText(`${table('t')}${refusing('t')}${blob}`));
  expect(stderr).toContain(', and lacks rows: public.t (0 of 1) — use it');
  expect(await bed.database.query(`SELECT convert_from(lo_get(1), 'UTF8') AS text`)).toEqual([
    { text: 'kept' },
  ]);
});

test('that large objects are missing is told where one of them is refused', async () => {
  const rows = `${entry('TABLE DATA', 't')}COPY public.t (id) FROM stdin;\n1\n\\.\n`;
  const blob = `${entry('BLOBS', '1')}SELECT pg_catalog.lo_from_bytea(1, 'x' || chr(0)::bytea);\n`;
  const { stderr } = await restoreInPlace(dumpText(`${table('t')}${rows}${blob}`));
  expect(stderr).toMatch(
    /, without what follows in the dump, such as large objects, .* constraints — use it/,
  );
  expect(await bed.database.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
});

test('what INSERT has put in is kept where it is refused by an internal error', async () => {
  const { stderr } = await restoreInPlace(
    dumpText(`${entry('FUNCTION', 'odd(integer)')}CREATE FUNCTION public.odd(id integer) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN IF id = 3 THEN RAISE EXCEPTION 'odd' USING ERRCODE = 'XX000'; END IF; RETURN true; END $$;
${entry('TABLE', 't')}CREATE TABLE public.t (id integer CHECK (public.odd(id)));
${entry('TABLE DATA', 't')}INSERT INTO public.t VALUES (1);
INSERT INTO public.t VALUES (2);
INSERT INTO public.t VALUES (3);\n`),
  );
  expect(stderr).toMatch(
    /, without what follows in the dump, such as large objects, indexes and constraints, and lacks rows: those of the refused statement, and all that follow it in the dump — use it .*, or restore the same backup again, which may/,
  );
  expect(await bed.database.query('SELECT id FROM t ORDER BY 1')).toEqual([{ id: 1 }, { id: 2 }]);
});

test('rows are kept beside those refused by an internal error, and only tables that lack some are named', async () => {
  const names = Array.from({ length: 25 }, (_, n) => `t${n}`);
  const { stderr } = await restoreInPlace(
    dumpText(`${entry('FUNCTION', 'broken()')}CREATE FUNCTION public.broken() RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = 'XX000'; END $$;
${entry('TABLE', 'odd')}CREATE TABLE public.odd (id integer CHECK (public.broken()));
${entry('TABLE', 'root')}CREATE TABLE public.root (id integer) PARTITION BY LIST (id);
${entry('TABLE', 'part')}CREATE TABLE public.part PARTITION OF public.root DEFAULT;
${names.map(table).join('')}${names.map(refusing).join('')}
${entry('TABLE DATA', 'odd')}COPY public.odd (id) FROM stdin;\n1\n\\.\n
${entry('TABLE DATA', 'root')}COPY public.root (id) FROM stdin;\n1\n2\n\\.\n`),
  );
  expect(stderr).toMatch(/TABLE DATA public\.odd: broken .*; these rows are left out/);
  expect(stderr).toMatch(/, and lacks rows: public\.t0 \(0 of 1\), .* and 6 more — use it/);
  expect(stderr).not.toContain('public.root');
  expect(await bed.database.query('SELECT id FROM root ORDER BY 1')).toEqual([{ id: 1 }, { id: 2 }]);
});

test('a complete copy is kept where its connection breaks while statistics are gathered', async () => {
  const dump =
    dumpText(`${entry('FUNCTION', 'ending(integer)')}CREATE FUNCTION public.ending(id integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN IF current_query() LIKE 'ANALYZE%' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN id; END $$;
${table('t')}${entry('TABLE DATA', 't')}COPY public.t (id) FROM stdin;\n1\n\\.\n
${entry('INDEX', 'i')}CREATE INDEX i ON public.t (public.ending(id));\n`);
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, dump);
  expect(await bed.run(['restore', file, '--yes', '--no-audit'])).toMatchObject({ status: 1 });
  expect(await bed.databases()).toEqual([bed.database.name]);

  const { stderr } = await restoreInPlace(dump);
  expect(stderr).toContain('terminating connection due to administrator command');
  expect(stderr).toMatch(
    /; all of the dump is in database \S+, but for the rows of unlogged tables if .* — use it/,
  );
  expect(await bed.database.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
  expect(await bed.database.query(`SELECT to_regclass('i') IS NOT NULL AS indexed`)).toEqual([
    { indexed: true },
  ]);
});

test.each([
  ['over one connection', 'dump.sql', '1', 0],
  ['over two connections, by ranges', 'dump.sql', '2', 0],
  ['over two connections, as they come', 'dump.sql.gz', '2', undefined],
] as const)(
  'rows that the server refuses, %s, do not keep a restore in place from all others',
  async (_, name, jobs, kept) => {
    const file = join(bed.directory, name);
    await writeFile(file, name.endsWith('.gz') ? gzipSync(DUMP) : DUMP);
    const args = ['restore', file, '--yes', '--no-audit', '--jobs', jobs];
    const stopped = await bed.run(args);
    expect(stopped).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/TABLE DATA public\.(large|small): /),
    });
    expect(await bed.databases()).toEqual([bed.database.name]);

    const failed = await bed.run([...args, '--in-place']);
    expect(failed).toMatchObject({ status: 1, stdout: '' });
    expect(failed.stderr).toMatch(
      /TABLE DATA public\.large: .* check constraint .*; these rows are left out, so/,
    );
    expect(failed.stderr).toMatch(/TABLE DATA public\.small: invalid input .*; these rows are left out, so/);
    const left =
      /in-place requires; all but what the server refused is in database (\S+), and lacks rows: public\.large \(([\d,]+) of 20,000\), public\.small \(0 of 1\) — use it/.exec(
        failed.stderr,
      );
    const [, scratch = '', rows = ''] = left ?? [];
    expect(await bed.databases()).toEqual([scratch]);
    if (kept !== undefined) expect(rows).toBe(`${kept}`);
    await withClient(bed.env, 'postgres', (client) =>
      client.query(`ALTER DATABASE ${scratch} RENAME TO ${bed.database.name}`),
    );
    const there = `SELECT (SELECT count(*) FROM first)::int AS first, (SELECT count(*) FROM last)::int AS last,
      to_regclass('last_id') IS NOT NULL AS indexed`;
    expect(await bed.database.query(there)).toEqual([{ first: 1, last: 2, indexed: true }]);
  },
);
