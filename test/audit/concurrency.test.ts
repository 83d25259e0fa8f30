import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { during } from '../support/during.ts';
import { type AuditBed, brief, createAuditBed } from './audit-bed.ts';

const never = new AbortController().signal;
const ARGS = ['--grace', '0', '--references', '[{"column": "files.key", "written": "modified"}]'];
let bed: AuditBed;

beforeEach(async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE files (id int PRIMARY KEY, key text, modified timestamptz NOT NULL DEFAULT '2020-01-01');
     INSERT INTO files SELECT n, 'key' || n FROM generate_series(1, 9) n`,
  );
  for (let n = 1; n <= 9; n++) await bed.put(`media/key${n}`);
});

afterEach(() => bed.close());

const sql = (text: string) => bed.database.query(text);
const remove = (...keys: string[]) => bed.store.remove(keys, never);
const putNow = (key: string) => bed.put(key, 'x', 0);

/** Has the application at work while a request of this kind waits. */
const meanwhile = (operation: string, work: () => Promise<unknown>) => during(bed, { operation }, work);

/** Findings of an audit whose snapshot is taken before, and whose listing after, `work`. */
async function findingsWith(work: () => Promise<unknown>): Promise<string[]> {
  meanwhile('ListObjectsV2', work);
  return brief((await bed.report(ARGS)).findings);
}

test.each<[string, () => Promise<unknown>, string[]]>([
  ['nothing', async () => {}, []],
  [
    'a row is deleted with its object',
    async () => {
      await sql('DELETE FROM files WHERE id = 3');
      await remove('media/key3');
    },
    [],
  ],
  [
    'a file is replaced by one of another key',
    async () => {
      await putNow('media/new');
      await sql(`UPDATE files SET key = 'new' WHERE id = 3`);
      await remove('media/key3');
    },
    [],
  ],
  [
    'a file is taken from its row',
    async () => {
      await sql('UPDATE files SET key = NULL WHERE id = 3');
      await remove('media/key3');
    },
    [],
  ],
  [
    'a row comes with its object',
    async () => {
      await putNow('media/new');
      await sql(`INSERT INTO files VALUES (10, 'new')`);
    },
    [],
  ],
  ['an object comes before its row', () => putNow('media/new'), []],
  [
    'a row moves to another primary key',
    async () => {
      await sql('UPDATE files SET id = 33 WHERE id = 3');
      await remove('media/key3');
    },
    [],
  ],
  [
    'all rows are written, and one object is gone for good',
    async () => {
      await sql('UPDATE files SET modified = now()');
      await remove('media/key3');
    },
    ['dangling media/key3 of files.key 3'],
  ],
  ['an object is gone for good', () => remove('media/key3'), ['dangling media/key3 of files.key 3']],
  [
    'the table is emptied',
    async () => {
      await sql('DELETE FROM files');
      await remove(...Array.from({ length: 9 }, (_, n) => `media/key${n + 1}`));
    },
    [],
  ],
])('between snapshot and listing %s', async (_name, work, expected) => {
  expect(await findingsWith(work)).toEqual(expected);
});

test('an object that is written anew under its key while the bucket is listed is not missing', async () => {
  meanwhile('HeadObject', () => putNow('media/key3'));
  const work = async () => {
    await sql(`UPDATE files SET key = '' WHERE id = 3`);
    await remove('media/key3');
    await sql(`UPDATE files SET key = 'key3' WHERE id = 3`);
  };
  expect(await findingsWith(work)).toEqual([]);
});

test('a row that is written while its object is looked up is left to the next audit', async () => {
  meanwhile('HeadObject', () => sql('UPDATE files SET modified = now()'));
  const work = async () => {
    await sql('UPDATE files SET modified = now() WHERE id = 3');
    await remove('media/key3');
  };
  expect(await findingsWith(work)).toEqual([]);
});
