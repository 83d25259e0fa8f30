import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { PROGRAM } from '../support/topobank-backup.ts';

const run = promisify(execFile);
const YOUNG_SPACE = new URL('./young-space.mjs', import.meta.url).href;

test('however many objects come and go, those that are young have little room', async () => {
  // By its first line, as the image and `npm link` run it.
  const { stderr } = await run(PROGRAM, ['--version'], {
    env: { PATH: process.env.PATH, NODE_OPTIONS: `--import=${YOUNG_SPACE}` },
  });
  const { flags, bytes } = JSON.parse(stderr) as { readonly flags: string[]; readonly bytes: number };
  expect(flags).toContain('--max-semi-space-size=16');
  // Two halves, and a third one while one is looked through.
  expect(bytes).toBeLessThanOrEqual(3 * 16 * 1024 ** 2);
});
