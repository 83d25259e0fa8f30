import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DumpSchema, readDumpSchema } from '../../src/audit/dumped/dump-schema.ts';
import { isUsable } from '../../src/catalog/backup.ts';
import { backupSource } from '../../src/catalog/dump-source.ts';
import { qualifiedName } from '../../src/dump/tokens.ts';
import { dumpText } from '../support/dump-text.ts';
import { findBackup } from '../support/find-backup.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const { signal } = new AbortController();
const ID = '20261123103000';
let bucket: TestStore;

beforeAll(async () => {
  bucket = await startTestStore();
});

afterAll(() => bucket.close());

/** What is told of a dump with these statements. */
async function read(statements: string): Promise<DumpSchema> {
  const options = { ifAbsent: false, contentType: 'application/sql', signal } as const;
  await bucket.store.put(
    `backup/postgres-backup-${ID}.sql`,
    Buffer.from(dumpText(`${statements}\n`)),
    options,
  );
  const backup = await findBackup(bucket.store, 'backup/', ID, signal);
  if (backup === undefined || !isUsable(backup)) throw new Error('there is no backup to be read');
  return readDumpSchema(backupSource(bucket.store, backup, { binDir: undefined, env: {} }), signal);
}

const named = (name: string) => ({ schema: 'public', name });
const generatedIn = (schema: DumpSchema, name: string) => [...schema.generated(named(name))].sort();
const ancestorsIn = (schema: DumpSchema, name: string) => schema.ancestors(named(name)).map(qualifiedName);

const column = (name: string) => `    ${name} text GENERATED ALWAYS AS (('x'::text || file)) STORED`;

test('a column is generated in the tables above and below the one that says so, and not beside it', async () => {
  const schema = await read(`CREATE TABLE public.top (\n    file text,\n${column('a')}\n);
CREATE TABLE public.mid (\n    b text,\n${column('"M ""1"""')}\n)\nINHERITS (public.top);
CREATE TABLE public.low (\n${column('c')}\n)\nINHERITS (public.mid);
CREATE TABLE public.lowest (\n)\nINHERITS (public.low);
CREATE TABLE public.beside (\n${column('b')}\n)\nINHERITS (public.top);
CREATE TABLE public.part (\n    file text,\n${column('p')}\n);
ALTER TABLE ONLY public.whole ATTACH PARTITION public.part FOR VALUES IN ('1');
CREATE TABLE public.other (\n    a text\n);`);
  const generated = (name: string) => generatedIn(schema, name);
  expect(generated('top')).toEqual(['M "1"', 'a', 'b', 'c']);
  expect(generated('mid')).toEqual(['M "1"', 'a', 'c']);
  expect(generated('low')).toEqual(['M "1"', 'a', 'c']);
  expect(generated('lowest')).toEqual(['M "1"', 'a', 'c']);
  expect(generated('beside')).toEqual(['a', 'b']);
  expect(generated('part')).toEqual(['p']);
  expect(generated('whole')).toEqual(['p']);
  expect(generated('other')).toEqual([]);
  expect(generated('absent')).toEqual([]);
  expect(ancestorsIn(schema, 'lowest')).toEqual(['public.low', 'public.mid', 'public.top']);
});

test('a function of the name of a clause makes no parents', async () => {
  const schema = await read(`CREATE TABLE public.m (
    file text,
    CONSTRAINT c CHECK (inherits(public.other))
);
CREATE TABLE public.parted (
    file text
)
PARTITION BY LIST (inherits(file));`);
  expect(ancestorsIn(schema, 'm')).toEqual([]);
  expect(ancestorsIn(schema, 'parted')).toEqual([]);
});

test('neither text nor names of many lines are taken for columns or hide what follows them', async () => {
  const odd = '"of\n    ""two"" lines"';
  const schema = await read(`CREATE TABLE public.top (\n    inherits text\n);
CREATE TABLE public."two\nINHERITS (lines)" (\n    inherits text\n)\nINHERITS (public.top);
CREATE TABLE public.m (
    blank text DEFAULT '${'\n'.repeat(1_000_000)}'::text,
    said text DEFAULT 'it
INHERITS (public.beside)'::text,
${column(odd)}
)
INHERITS (public."two\nINHERITS (lines)", public.own)
WITH (fillfactor='70');`);
  expect(generatedIn(schema, 'm')).toEqual(['of\n    "two" lines']);
  expect(generatedIn(schema, 'beside')).toEqual([]);
  expect(ancestorsIn(schema, 'm')).toEqual(['public.two\nINHERITS (lines)', 'public.top', 'public.own']);
});
