import { spawn } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../support/scratch-directory.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

let temporary: ReturnType<typeof scratchDirectory>;

beforeEach(() => {
  temporary = scratchDirectory('bench');
  // The server's user has to get through.
  chmodSync(temporary.path, 0o755);
});

afterEach(() => temporary.remove());

function bench(
  args: readonly string[],
  onError: (said: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
      env: { PATH: process.env.PATH, TMPDIR: temporary.path, TSX_DISABLE_CACHE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onError(stderr, (signal) => child.kill(signal));
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

test('each subject gives a line with what was measured and its goal, and nothing is left behind', async () => {
  const { status, stdout } = await bench(['startup', 'restore', '--size', '1', '--rounds', '1']);
  expect(status).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
    'SUBJECT',
    '--version',
    'restore of 1 MB',
    'restore: peak memory',
  ]);
  for (const line of lines.slice(1)) expect(line).toMatch(/\d+(\.\d+)? (s|ms|MB) .* \d+\.\d\d .*[<≤] /);
  expect(readdirSync(temporary.path)).toEqual([]);
});

test('a signal ends it, and nothing is left behind', async () => {
  const { status } = await bench(['backup', '--size', '1'], (said, kill) => {
    if (said.includes('round 1')) kill('SIGTERM');
  });
  expect(status).toBe(143);
  expect(readdirSync(temporary.path)).toEqual([]);
});

test.each([
  [['nothing'], /there is no subject nothing/],
  [['--size', '0'], /--size: "0" is no whole number/],
  [['--rounds', 'x'], /--rounds: "x" is no whole number/],
  [['--bogus'], /Unknown option/],
])('%j is refused with the usage', async (args, message) => {
  const { status, stdout, stderr } = await bench(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toContain('Usage: npm run bench');
});
