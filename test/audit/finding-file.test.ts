import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Finding } from '../../src/audit/finding.ts';
import { createFindingFile } from '../../src/audit/finding-file.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const scratch = scratchDirectory('findings');
afterAll(() => scratch.remove());

const orphan = (key: string): Finding => ({
  kind: 'orphan',
  key,
  bytes: 1,
  lastModified: '2026-11-23T10:30:00.000Z',
  etag: '"e"',
});

/** What this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // That of the directory itself is closed again.
      return [];
    }
  });
}

test('a file whose first line cannot be written is closed', async () => {
  await expect(createFindingFile('/dev/full', 'csv')).rejects.toMatchObject({
    name: 'OutputError',
    message: expect.stringContaining('cannot write /dev/full: ENOSPC'),
  });
  expect(openFiles()).not.toContain('/dev/full');
});

test('a directory is refused in words', async () => {
  await expect(createFindingFile(scratch.path, 'csv')).rejects.toMatchObject({
    name: 'ConfigError',
    problem: 'it is a directory',
  });
});

test('a pipe whose reader has gone is no failure', async () => {
  const pipe = join(scratch.path, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const file = await createFindingFile(pipe, 'ndjson');
  closeSync(reader);
  await file.write([orphan('media/x')]);
  await file.finish();
});

test.each([
  ['=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@x', "'@x"],
  ['a=b', 'a=b'],
])('the label %s is no formula in CSV', async (label, written) => {
  const path = join(scratch.path, 'labels.csv');
  const file = await createFindingFile(path, 'csv');
  await file.write([
    {
      kind: 'dangling',
      key: '=key',
      table: 't',
      column: 'c',
      primaryKey: '-7',
      topography: null,
      surface: label,
      owner: null,
    },
  ]);
  await file.finish();
  expect(readFileSync(path, 'utf8').split('\n')[1]).toBe(`dangling,=key,,,t,c,-7,,${written},,,`);
});
