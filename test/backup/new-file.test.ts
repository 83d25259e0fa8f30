import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeNewFile } from '../../src/backup/new-file.ts';
import { deferred } from '../support/deferred.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const { signal } = new AbortController();
const scratch = scratchDirectory('new-file');

afterAll(() => scratch.remove());

test('of two that write the same file at once the first to be done keeps it, and the other is refused', async () => {
  const begun = deferred<void>();
  const go = deferred<void>();
  async function* slowly(): AsyncGenerator<Buffer> {
    yield Buffer.from('slow ');
    begun.resolve();
    await go.promise;
    yield Buffer.from('bytes');
  }
  const slow = writeNewFile(scratch.path, 'dump.sql', slowly(), signal);
  await begun.promise;
  const path = await writeNewFile(
    scratch.path,
    'dump.sql',
    (async function* () {
      yield Buffer.from('other bytes');
    })(),
    signal,
  );
  go.resolve();
  await expect(slow).rejects.toMatchObject({
    name: 'ConfigError',
    message: `cannot write ${path}: the file exists — move it, or give another directory`,
  });
  expect(path).toBe(join(scratch.path, 'dump.sql'));
  expect(readFileSync(path, 'utf8')).toBe('other bytes');
  expect(readdirSync(scratch.path)).toEqual(['dump.sql']);
});

test('a file that can neither be written nor looked for is refused like any other', async () => {
  async function* bytes(): AsyncGenerator<Buffer> {
    yield Buffer.from('some');
  }
  await expect(writeNewFile(scratch.path, 'x'.repeat(230), bytes(), signal)).rejects.toMatchObject({
    name: 'ConfigError',
    problem: 'ENAMETOOLONG',
    remedy: 'give a writable directory with free space',
  });
});

test.runIf(process.platform === 'linux')('who may not write a file is told so', async () => {
  async function* bytes(): AsyncGenerator<Buffer> {
    yield Buffer.from('some');
  }
  // Not even root may make one there.
  await expect(writeNewFile('/sys', 'dump.sql', bytes(), signal)).rejects.toMatchObject({
    name: 'ConfigError',
    problem: `uid ${process.getuid?.()} may not write there`,
    remedy: 'give a writable directory with free space',
  });
});

test('what the bytes fail with is thrown as it is, and nothing is left', async () => {
  const failure = Object.assign(new Error('lost'), { code: 'ECONNRESET' });
  async function* failing(): AsyncGenerator<Buffer> {
    yield Buffer.from('some');
    throw failure;
  }
  await expect(writeNewFile(scratch.path, 'failed.sql', failing(), signal)).rejects.toBe(failure);
  expect(readdirSync(scratch.path)).not.toContain('failed.sql');
});
