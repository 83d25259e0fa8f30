import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { PROGRAM } from '../bench/run-process.ts';

const run = promisify(execFile);
const YOUNG_SPACE = new URL('./young-space.mjs', import.meta.url).href;

test('however many objects come and go, those that are young have little room', async () => {
  const { stderr } = await run(process.execPath, [`--import=${YOUNG_SPACE}`, PROGRAM, '--version']);
  const { bytes } = JSON.parse(stderr) as { readonly bytes: number };
  expect(bytes).toBeLessThanOrEqual(4 * 1024 ** 2);
});
