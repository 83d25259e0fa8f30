import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { dropBeside } from '../support/drop-beside.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

/** As go-s3-backup's users may have them. */
const FOREIGN = { DATABASE_COMPRESS: '1', SAVE_DIR: '/tmp/go-s3-backup', S3_KEEP_FILE: '0' };

const signal = new AbortController().signal;
let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query("CREATE TABLE surface AS SELECT 'first' AS name");
});

afterAll(() => bed.close());

async function names(): Promise<string[]> {
  return (await bed.database.query<{ name: string }>('SELECT name FROM surface')).map(({ name }) => name);
}

test.each([['backup'], ['restore latest --yes']])(
  '%s says once which variables have no effect',
  async (line) => {
    expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
    const { status, stderr } = await bed.run(line.split(' '), FOREIGN);
    expect(status).toBe(0);
    const said = [...stderr.matchAll(/WARN.*: (\S+) has no effect here/g)].map((match) => match[1]);
    expect(said).toEqual(['DATABASE_COMPRESS', 'SAVE_DIR']);
  },
);

test('a restore takes the name of a dump as the bucket shows it', async () => {
  const backup = await bed.run(['backup', '--json']);
  const { key } = JSON.parse(backup.stdout) as { key: string };
  await bed.database.query("UPDATE surface SET name = 'damaged'");
  expect(await bed.run(['restore', key.replace('backup/', ''), '--yes'])).toMatchObject({ status: 0 });
  expect(await names()).toEqual(['first']);
});

test('of dumps of one time that whose name is given is restored, and none in the place of one that is not there', async () => {
  const backup = await bed.run(['backup', '--json']);
  const { key } = JSON.parse(backup.stdout) as { key: string };
  const dump = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const other = gzipSync(dump.toString().replace('first', 'zipped'));
  await bed.store.put(`${key}.gz`, other, { ifAbsent: true, contentType: 'application/gzip', signal });

  await dropBeside(bed);
  const restore = (file: string) => bed.run(['dbbackup'], { RESTORE_DATABASE: '1', RESTORE_FILE: file });
  for (const [file, name] of [
    [`${key}.gz`, 'zipped'],
    [basename(key), 'first'],
    [basename(`${key}.gz`), 'zipped'],
  ] as const) {
    expect(await restore(file)).toMatchObject({ status: 0 });
    expect(await names()).toEqual([name]);
  }
  expect(await restore(key.replace('.sql', '.dump'))).toMatchObject({
    status: 4,
    stderr: expect.stringContaining(
      `.dump under backup/ of bucket topobank-assets, only ${key} and ${key}.gz — `,
    ),
  });
  expect(await names()).toEqual(['zipped']);
});

test('a restore takes the name of a file that was pushed', async () => {
  const fetched = await bed.run(['fetch', 'latest', bed.directory, '--json']);
  const { path } = JSON.parse(fetched.stdout) as { path: string };
  const file = join(bed.directory, 'backup_2018_03_13T09_05_07.sql');
  await copyFile(path, file);
  expect(await bed.run(['push', file])).toMatchObject({ status: 0 });
  await bed.database.query("UPDATE surface SET name = 'damaged'");
  const restore = await bed.run(['restore', 'backup_2018_03_13T09_05_07.sql', '--yes']);
  expect(restore).toMatchObject({ status: 0 });
  expect(restore.stdout).toContain('restored backup/postgres-backup-20180313090507.sql');
  expect(await names()).toEqual(['first']);
});
