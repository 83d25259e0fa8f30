import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
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

test('a signal that npm gets and passes on ends it: there is no shell between them', async () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const command = scripts.quickstart!.replace('npm run --silent build', 'true');
  const child = spawn('sh', ['-c', command], {
    env: { PATH: process.env.PATH, TMPDIR: temporary.path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const end = () => child.kill('SIGTERM');
  timeUp.addEventListener('abort', end);
  const terminate = signalAt('PostgreSQL', 'SIGTERM');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    terminate(output, child);
  });
  expect(await closed).toBe(143);
  timeUp.removeEventListener('abort', end);
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
