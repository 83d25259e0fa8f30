import { readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createFindingFile } from '../../src/audit/finding-file.ts';

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
