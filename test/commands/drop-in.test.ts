import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

/** As go-s3-backup's users may have them. */
const FOREIGN = { DATABASE_COMPRESS: '1', SAVE_DIR: '/tmp/go-s3-backup', S3_KEEP_FILE: '0' };

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
