import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { deferred } from './support/deferred.ts';
import { dumpText } from './support/dump-text.ts';
import { startService } from './support/running-service.ts';
import { createTestBed } from './support/test-bed.ts';
import { PROGRAM, runProgram } from './support/topobank-backup.ts';

test('what cannot be left half done is said to be waited for, and a second signal ends it', async () => {
  const bed = await createTestBed(inject('postgres'));
  const held = deferred<void>();
  const answer = deferred<void>();
  bed.server.faults.push({
    operation: 'CompleteMultipartUpload',
    what: { kind: 'hold', until: answer.promise, onHeld: held.resolve },
  });
  const backup = startService(bed, {}, ['backup']);
  await held.promise;
  backup.stop();
  await backup.line(/^topobank-backup: received SIGTERM, cleaning up; a second signal exits at once/);
  const { status, stderr } = await backup.stop();
  expect(status).toBe(143);
  expect(stderr).not.toContain('stopped: received');
  answer.resolve();
  await bed.close();
});

/** Runs the program with a stderr that nobody reads. @returns its exit status */
async function runUnheard(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.destroy();
  const [status] = (await once(child, 'exit')) as [number | null];
  return status;
}

test.each([
  [['list', '--nope'], 2],
  [['restore', 'nowhere.sql', '--into', 'x'], 4],
])('%j ends with its own status %i also where stderr is closed', async (args, status) => {
  const env = {
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    POSTGRES_DB: 'a',
    POSTGRES_USER: 'a',
    POSTGRES_PASSWORD: 'b',
  };
  expect(await runUnheard(args, env)).toBe(status);
});

/** The line on stderr of what has run with status 0 but for its output. */
const LOST =
  /^topobank-backup: cannot write to stdout: ENOSPC: no space left on device, write — the command itself succeeded; only its output is lost: write that where there is room\n$/;

/** Runs the program with a stdout that is full. */
function runOnFull(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { PATH = '' } = process.env;
  const command = ['-c', 'exec "$0" "$@" > /dev/full', process.execPath, PROGRAM, ...args];
  return spawnSync('sh', command, { env: { PATH, ...env }, encoding: 'utf8' });
}

test.each(['--version', '--help', 'list --help', 'service --explain @daily'])(
  '%s fails in one line when stdout is full',
  (line) => {
    const { status, stderr } = runOnFull(line.split(' '));
    expect(stderr).toMatch(LOST);
    expect(status).toBe(1);
  },
);

test('a stack trace of what stdout refused is for LOG_LEVEL=debug', () => {
  const { status, stderr } = runOnFull(['--version'], { LOG_LEVEL: 'debug' });
  expect(stderr).toMatch(
    /^topobank-backup: cannot write to stdout: .*\n.*\n +at .*(\n.*)*caused by Error: ENOSPC/,
  );
  expect(status).toBe(1);
});

test('what a command has found is its status also where its report is lost', async () => {
  const bed = await createTestBed(inject('postgres'));
  const env = { ...bed.env, AWS_S3_ENDPOINT_URL: 'http://127.0.0.1:1', S3_WAIT: '0' };
  // The doctor's table, of a server that is not there.
  const { status, stderr } = runOnFull(['doctor'], env);
  expect(stderr).toMatch(/cannot write to stdout: .* — the command itself exited with 3; /);
  expect(status).toBe(3);
  await bed.close();
});

test('an error shows the control characters of what it names, and is one line', async () => {
  const { status, stderr } = await runProgram(['restore', 'no\x1b[2J\nwhere.sql', '--into', 'x'], {
    POSTGRES_USER: 'a',
    POSTGRES_PASSWORD: 'b',
    POSTGRES_DB: 'c',
  });
  expect({ status, stderr }).toEqual({
    status: 4,
    stderr: expect.stringMatching(/^topobank-backup: .*no\\x1b\[2J.*where\.sql.*\n$/),
  });
});

test('a command that fails says so whether stdout is full or not', () => {
  const { status, stderr } = runOnFull(['bakup']);
  expect(stderr).toMatch(/^topobank-backup: cannot run topobank-backup: unknown command 'bakup' .*\n$/);
  expect(status).toBe(2);
});

test('whoever reads only the first lines is no failure', async () => {
  const { PATH = '' } = process.env;
  const command = ['-c', '{ "$0" "$@"; echo "status $?" >&2; } | true', process.execPath, PROGRAM, '--help'];
  expect(spawnSync('sh', command, { env: { PATH }, encoding: 'utf8' }).stderr).toBe('status 0\n');
});

test('no command is bad usage', async () => {
  const { status, stdout, stderr } = await runProgram([], {});
  expect(status).toBe(2);
  expect(`${stdout}${stderr}`).toContain('Usage: topobank-backup');
});

test('a restore whose report is lost is said to be done', async () => {
  const bed = await createTestBed(inject('postgres'));
  const file = join(bed.directory, 'whole.sql');
  await writeFile(file, dumpText('CREATE TABLE public.t ();'));
  const into = `${bed.database.name}_full`;
  // The server of the test bed answers in this process, which must not be blocked: the dump comes from a file.
  const { status, stderr } = runOnFull(['restore', file, '--into', into, '--quiet'], bed.env);
  expect(stderr).toMatch(LOST);
  expect(status).toBe(1);
  expect(await bed.databases()).toContain(into);
  await bed.tool.use(bed.tool.maintenanceName, new AbortController().signal, (admin) =>
    admin.query(`DROP DATABASE ${into}`),
  );
  await bed.close();
});
