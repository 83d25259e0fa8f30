import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runScript } from './run-script.ts';
import { scratchDirectory } from './scratch-directory.ts';

const MAIN = fileURLToPath(new URL('./run-conformance.ts', import.meta.url));

test.each([[[]], [['minio']]])('%j is refused with the usage', async (args) => {
  const temporary = scratchDirectory('conformance');
  const { status, stdout, stderr } = await runScript(MAIN, args, { temporary: temporary.path });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^Usage: .* swift\|rgw/);
  expect(readdirSync(temporary.path)).toEqual([]);
  temporary.remove();
});
