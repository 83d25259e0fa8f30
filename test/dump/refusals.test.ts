import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { restoreDump } from '../../src/restore/restore.ts';
import { dumpText, entry, textSource } from '../support/dump-text.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
let touched: string;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE alive AS SELECT 1 AS one');
  touched = join(bed.directory, 'touched');
});

afterAll(() => bed.close());

function restore(text: string, { into }: { into?: string } = {}) {
  const context = {
    database: bed.tool,
    now: () => new Date(),
    log: keepingLog().log,
    startProgress: noProgress,
  };
  const target =
    into === undefined
      ? ({ kind: 'swap', dropOld: false } as const)
      : ({ kind: 'into', name: into } as const);
  return restoreDump(context, textSource(text), { target, noOwner: false }, new AbortController().signal);
}

const TABLE = `${entry('TABLE', 't')}CREATE TABLE public.t (a text);`;
const ROWS = 'COPY public.t (a) FROM stdin;\none\n\\.\n';

const REFUSED: readonly [about: string, body: string, problem: RegExp][] = [
  ['a shell command', '\\! touch FILE', /line 10 contains the command \\!, which is never run/],
  [
    'a shell command after the rows',
    `${TABLE}\n${ROWS}\n\\! touch FILE`,
    /line 18 contains the command \\!,/,
  ],
  ['a program to pipe to', '\\o |touch FILE', /contains the command \\o,/],
  ['another file', '\\i /etc/passwd', /contains the command \\i,/],
  ['a copy by psql', `${TABLE}\n\\copy public.t from program 'touch FILE'`, /contains the command \\copy,/],
  [
    'a connection to another database',
    '\\connect postgres',
    /contains the command \\connect,.* — take a dump without --create/,
  ],
  ['the same in short', '\\c postgres', /contains the command \\c,/],
  [
    'a command in the middle of a statement',
    'SELECT 1\n\\! touch FILE\n;',
    /the command \\! inside the statement at line 10/,
  ],
  [
    'a command at the end of a statement',
    "SELECT 'x' \\gexec\n",
    /the command \\gexec inside the statement at line 10/,
  ],
  ['a command after a forged end of the rows', `${TABLE}\n${ROWS}\\.\n`, /contains the command \\\.,/],
  [
    'the drop of a database',
    'DROP DATABASE NAME;',
    /line 10 contains DROP DATABASE, .* — take a dump without --create/,
  ],
  [
    'a database behind a comment',
    '/* a /* b */ */ -- c\nCREATE /* d */ DATABASE other;',
    /contains CREATE DATABASE/,
  ],
  ['a database behind many blanks', `DROP${' '.repeat(100)}DATABASE other;`, /contains DROP DATABASE/],
  [
    'a program',
    "COPY public.t FROM PROGRAM 'touch /tmp/x';",
    /line 10 contains a COPY that reads or writes a file or a program on the server/,
  ],
  ['what a role owns', 'DROP OWNED BY topobank;', /line 10 contains DROP OWNED/],
  ['a new database', 'create  database other;', /line 10 contains CREATE DATABASE/],
  ['the drop of a role', 'DROP ROLE IF EXISTS someone;', /contains DROP ROLE/],
  ['a change of a user', "ALTER USER postgres PASSWORD 'x';", /contains ALTER USER/],
  [
    'a privilege on a database',
    'GRANT CREATE, CONNECT ON DATABASE "NAME" TO PUBLIC;',
    /line 10 contains GRANT … ON DATABASE, which .* — take a dump without --create, or remove that statement/,
  ],
  [
    'the end of one, behind comments',
    'REVOKE /* a */ GRANT OPTION FOR ALL ON -- b\ndatabase "NAME" FROM PUBLIC;',
    /contains REVOKE … ON DATABASE/,
  ],
  [
    'a privilege on a setting',
    'GRANT SET ON PARAMETER work_mem TO topobank;',
    /contains GRANT … ON PARAMETER/,
  ],
  ['membership in a role', 'GRANT pg_monitor, "on" TO topobank;', /contains GRANT of a role/],
  ['the end of one', 'REVOKE ADMIN OPTION FOR pg_monitor FROM topobank;', /contains REVOKE of a role/],
  [
    'a comment on a role',
    "COMMENT ON ROLE topobank IS 'x';",
    /line 10 contains COMMENT ON ROLE, which .* — take a dump without --create, or remove that statement/,
  ],
  [
    'one on a tablespace, behind comments',
    'comment /* a */ on -- b\ntablespace pg_default IS NULL;',
    /contains COMMENT ON TABLESPACE/,
  ],
  ['a setting of the whole server', "ALTER SYSTEM SET work_mem = '1GB';", /contains ALTER SYSTEM/],
];

test.each(REFUSED)('%s is refused by name before anything is created', async (_, body, problem) => {
  const before = await bed.databases();
  const text = dumpText(body.replace('FILE', touched).replace('NAME', bed.database.name));
  await expect(restore(text)).rejects.toMatchObject({
    name: expect.stringMatching(/RestoreError|DumpError/),
    message: expect.stringMatching(problem),
  });
  expect(await bed.databases()).toEqual(before);
  expect(existsSync(touched)).toBe(false);
  expect(await bed.database.query('SELECT one FROM alive')).toEqual([{ one: 1 }]);
});

test('what only looks like a command or a forbidden statement is text like any other', async () => {
  const text = dumpText(`\\restrict aBc123
${TABLE}
-- \\! touch ${touched}
/* \\! touch */ INSERT INTO public.t VALUES ('\\! touch'), (E'\\\\! touch'), ($x$
\\! touch ${touched}
DROP DATABASE postgres;
$x$);
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$
begin
drop database postgres;
end $$;
CREATE SCHEMA "database";
CREATE TABLE public."database" ("on" text, "to ""on"" database" text);
GRANT SELECT ("on", "to ""on"" database"), UPDATE ON TABLE public."database" TO PUBLIC;
COMMENT ON SCHEMA "database" IS 'on role';
COMMENT ON DATABASE ${bed.database.name} IS 'as pg_dump before version 11 writes it';
GRANT /* on database */ USAGE ON SCHEMA "database" TO PUBLIC;
COPY public.t (a) FROM stdin;
\\\\! touch ${touched}
\\\\.
DROP DATABASE postgres;
\\.
\\unrestrict aBc123
`);
  const into = `${bed.database.name}_text`;
  const report = await restore(text, { into });
  expect(report).toMatchObject({ database: into, tables: 1, rows: 3 });
  expect(existsSync(touched)).toBe(false);
});

test('a backup whose object was tampered with is refused as well, although its manifest says that it is whole', async () => {
  const backup = await bed.run(['backup', '--json']);
  const { key, bytes } = JSON.parse(backup.stdout) as { key: string; bytes: number };
  const signal = new AbortController().signal;
  const object = await bed.store.get(key, { signal });
  const text = Buffer.concat(await object!.body.toArray()).toString();
  // As long as before, so that only the bytes themselves are other ones.
  const tampered = text
    .replace(/^SET .*timeout.*\n/gm, '')
    .replace(/^SET row_security.*$/m, `\\! touch ${touched}`);
  await bed.store.put(key, Buffer.from(tampered.padEnd(bytes)), {
    ifAbsent: false,
    contentType: 'application/sql',
    signal,
  });
  expect(tampered.length).toBeLessThanOrEqual(bytes);
  const before = await bed.databases();
  const restored = await bed.run(['restore', '--latest', '--yes']);
  expect(restored.status).toBe(1);
  expect(restored.stderr).toMatch(/contains the command \\!, which is never run/);
  expect(existsSync(touched)).toBe(false);
  expect(await bed.databases()).toEqual(before);
});
