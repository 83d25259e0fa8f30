import { chmodSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OnOutput, runScript, signalAt } from '../support/run-script.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { type ProgramResult, runProgram } from '../support/topobank-backup.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

let temporary: ReturnType<typeof scratchDirectory>;
/** Aborted when a test's time is up. */
let timeUp: AbortSignal;

beforeEach(({ signal }) => {
  timeUp = signal;
  temporary = scratchDirectory('tour');
  // The server's user has to get through.
  chmodSync(temporary.path, 0o755);
});

afterEach(() => temporary.remove());

const quickstart = (args: readonly string[], onStdout: OnOutput = () => {}) =>
  runScript(MAIN, args, { temporary: temporary.path, signal: timeUp, onStdout });

test.each([
  { signal: 'SIGINT', at: 'PostgreSQL', expected: 130 },
  { signal: 'SIGTERM', at: '$ topobank-backup backup', expected: 143 },
] as const)('$signal at "$at" ends it with $expected, and it leaves nothing behind', async (given) => {
  const { status } = await quickstart([], signalAt(given.at, given.signal));
  expect(status).toBe(given.expected);
  expect(readdirSync(temporary.path)).toEqual([]);
});

test('it backs up, damages, restores, compares; what --keep exports makes the tool work, until Ctrl-C', async () => {
  let listed: Promise<ProgramResult> | undefined;
  const { status, stdout, stderr } = await quickstart(['--keep'], (output, child) => {
    if (listed !== undefined || !output.includes('Ctrl-C here')) return;
    const exported = [...output.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
    listed = runProgram(['list', '--json'], Object.fromEntries(exported));
    listed.finally(() => child.kill('SIGINT'));
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.match(/^\$ .*$/gm)).toEqual([
    '$ topobank-backup backup',
    '$ topobank-backup list',
    '$ topobank-backup restore --latest --yes',
  ]);
  expect(stdout).toMatch(/differences before the restore, none after it/);
  const id = /^ {2}backup (\d{14}):/m.exec(stdout)?.[1];
  expect(JSON.parse((await listed)!.stdout)).toMatchObject([{ id, state: 'complete', database: 'topobank' }]);
  expect(readdirSync(temporary.path)).toEqual([]);
});

test.each([['--bogus'], ['--keep=maybe'], ['extra']])('%s is refused with the usage', async (argument) => {
  const { status, stdout, stderr } = await quickstart([argument]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^quickstart: .*\n\nUsage: npm run quickstart/);
});
