import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gunzip } from '../../src/dump/gunzip.ts';
import { openLocalDump } from '../../src/dump/local-dump.ts';
import { readPlainDump } from '../../src/dump/plain-dump.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const { signal } = new AbortController();

/** Linux opens it for its process, and refuses to read its first bytes (manual page proc(5)). */
const UNREADABLE = '/proc/self/mem';

test('a file that cannot be read is no dump that is damaged', async () => {
  const dump = await openLocalDump(UNREADABLE, signal);
  const plain = readPlainDump(dump.read(), { name: UNREADABLE, binDir: undefined, env: {}, signal });
  await expect(plain.next()).rejects.toThrow(
    /^cannot read the dump \/proc\/self\/mem: EIO: .* — check the disk it is on, or use another copy of it$/,
  );
});

test('a pipe is refused, and no writer of it is waited for', async () => {
  const directory = scratchDirectory('pipe');
  const pipe = join(directory.path, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await expect(openLocalDump(pipe, signal)).rejects.toThrow(/pipe: it is not a regular file — give a file/);
  directory.remove();
});

test('what the source of a gzip fails with is thrown as it is', async () => {
  const failure = Object.assign(new Error('lost'), { code: 'EIO' });
  async function* source(): AsyncGenerator<Buffer> {
    yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    throw failure;
  }
  const words = { doing: 'cannot read', remedy: 'use another' };
  await expect(gunzip(source(), { ...words, signal }).next()).rejects.toBe(failure);
});
