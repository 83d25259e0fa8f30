import { chmodSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OnOutput, runScript, signalAt } from '../support/run-script.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

let temporary: ReturnType<typeof scratchDirectory>;
/** Aborted when a test's time is up. */
let timeUp: AbortSignal;

beforeEach(({ signal }) => {
  timeUp = signal;
  temporary = scratchDirectory('bench');
  // The server's user has to get through.
  chmodSync(temporary.path, 0o755);
});

afterEach(() => temporary.remove());

const bench = (args: readonly string[], onStderr: OnOutput = () => {}) =>
  runScript(MAIN, args, { temporary: temporary.path, signal: timeUp, onStderr });

/** Some twenty runs of programs take their time on a busy machine. */
const LONG_MS = 300_000;

test('each subject gives a line with what was measured, and nothing is left behind', {
  timeout: LONG_MS,
}, async () => {
  const { status, stdout } = await bench(['--size', '1MB', '--rounds', '1']);
  expect(status).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
    'SUBJECT',
    '--version',
    'scanner without hashes',
    'scanner with hashes',
    'backup of 1 MB',
    'backup: peak memory',
    'restore --jobs 1 of 1 MB',
    'restore --jobs 2 of 1 MB',
    'restore --jobs 2 of 1 MB',
    'restore: peak memory',
    'restore --table of 1 MB: read beside its rows',
    'verify of 1 MB',
    'verify: peak memory',
    'audit of 1000 rows and objects',
    'audit: peak memory',
    'listing of 10000 objects: peak memory',
  ]);
  for (const line of lines.slice(1)) expect(line).toMatch(/ \d+(\.\d+)? (s|ms|MB|MB\/s) .*[<≤≥] \d/);
  expect(lines.filter((line) => / \d+\.\d\d s$/.test(line)).map((line) => line.split(/ {2,}/)[0])).toEqual([
    'backup of 1 MB',
    'restore --jobs 1 of 1 MB',
    'restore --jobs 2 of 1 MB',
    'restore --jobs 2 of 1 MB',
    'verify of 1 MB',
    'audit of 1000 rows and objects',
    'listing of 10000 objects: peak memory',
  ]);
  expect(readdirSync(temporary.path)).toEqual([]);
});

test.each([
  { signal: 'SIGINT', at: 'filling', expected: 130 },
  { signal: 'SIGTERM', at: 'backup: round 1', expected: 143 },
] as const)('$signal at "$at" ends it with $expected, and nothing is left behind', async (given) => {
  const { status, stdout } = await bench(['backup', '--size', '5MB'], signalAt(given.at, given.signal));
  expect({ status, stdout }).toEqual({ status: given.expected, stdout: '' });
  expect(readdirSync(temporary.path)).toEqual([]);
});

test.each([
  [['nothing'], /there is no subject nothing/],
  [['--size', '500'], /--size: "500" is no size such as 500MB or 1GB/],
  [['--rounds', 'x'], /--rounds: "x" is no whole number/],
  [['--bogus'], /Unknown option/],
])('%j is refused with the usage', async (args, message) => {
  const { status, stdout, stderr } = await bench(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toContain('Usage: npm run bench');
});
