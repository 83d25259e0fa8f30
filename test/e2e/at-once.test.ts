import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { dumpText } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const RUNS = 5;

let bed: TestBed;
let others: TestDatabase[];

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  others = [];
});

afterEach(async () => {
  for (const other of others) await other.drop();
  await bed.close();
});

const listed = async () =>
  JSON.parse((await bed.run(['list', '--json'])).stdout) as { id: string; state: string; database: string }[];

test('dumps that are pushed at once are a backup each', async () => {
  const files = Array.from({ length: RUNS }, (_, at) => join(bed.directory, `dump ${at}.sql`));
  for (const [at, file] of files.entries())
    await writeFile(file, dumpText(`CREATE TABLE public.t${at} (id integer);`));
  const pushed = await Promise.all(files.map((file) => bed.run(['push', file, '--json', '--quiet'])));
  const ids = pushed.map(({ stdout, stderr }) => {
    expect(stderr).toBe('');
    return (JSON.parse(stdout) as { id: string }).id;
  });
  expect((await listed()).map(({ id, state }) => ({ id, state })).reverse()).toEqual(
    ids.toSorted().map((id) => ({ id, state: 'complete' })),
  );
  expect(await bed.run(['verify', '--all', '--quiet'])).toMatchObject({ status: 0 });
});

test('databases that are backed up at once under one prefix have a backup each', async () => {
  for (let at = 1; at < RUNS; at += 1) others.push(await createTestDatabase(inject('postgres')));
  const names = [bed.database.name, ...others.map(({ name }) => name)];
  const made = await Promise.all(
    names.map((POSTGRES_DB) => bed.run(['backup', '--quiet'], { POSTGRES_DB, MAX_BACKUPS: '1' })),
  );
  expect(made.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
    names.map(() => ({ status: 0, stderr: '' })),
  );
  expect((await listed()).map(({ database }) => database).sort()).toEqual(names.toSorted());
  expect(await bed.pendingUploads()).toEqual([]);
});
