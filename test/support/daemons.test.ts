import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDaemons } from './daemons.ts';
import { scratchDirectory } from './scratch-directory.ts';

const MODULE = fileURLToPath(new URL('./daemons.ts', import.meta.url));

let directory: ReturnType<typeof scratchDirectory>;

beforeEach(() => {
  directory = scratchDirectory('daemons');
});

afterEach(() => directory.remove());

/** An orphan that nobody has taken note of yet (state Z) has ended all the same. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The process ids that the shells of {@link FAMILY} print. */
const pidsOf = (text: string) => [...text.matchAll(/^pid (\d+)$/gm)].map((match) => Number(match[1]));

/** A process and a child of it. */
const FAMILY = 'sleep 600 & echo pid $$; echo pid $!; wait';

test('processes are ended with their children, once or twice', async () => {
  const daemons = createDaemons(directory.path);
  daemons.start('first', 'sh', ['-c', FAMILY]);
  daemons.start('second', 'sh', ['-c', FAMILY]);
  await daemons.untilReady(async () => pidsOf(daemons.logs()).length === 4, 30_000, undefined);
  const pids = pidsOf(daemons.logs());
  expect(pids.map(isRunning)).toEqual([true, true, true, true]);
  await daemons.stop();
  await daemons.stop();
  await vi.waitFor(() => expect(pids.map(isRunning)).toEqual([false, false, false, false]), 30_000);
});

test.each([
  [
    'ends',
    'echo what went wrong; exit 3',
    30_000,
    /^some ended while the server was being started\n--- some.log\nwhat went wrong$/,
  ],
  [
    'does not come up',
    'echo still starting; sleep 600',
    300,
    /^the server did not come up within 0.3 s\n--- some.log\nstill starting$/,
  ],
])('a process that %s is an error that shows what it printed', async (_, script, limitMs, expected) => {
  const daemons = createDaemons(directory.path);
  daemons.start('some', 'sh', ['-c', script]);
  await expect(daemons.untilReady(async () => false, limitMs, undefined)).rejects.toThrow(expected);
  await daemons.stop();
});

test('a program that is not there is an error, and a signal ends the waiting', async () => {
  const daemons = createDaemons(directory.path);
  const reason = new Error('enough');
  daemons.start('some', 'sleep', ['600']);
  await expect(daemons.untilReady(async () => false, 30_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  daemons.start('none', 'there-is-no-such-program', []);
  await expect(daemons.untilReady(async () => true, 30_000, undefined)).rejects.toThrow(/^none ended/);
  await daemons.stop();
});

test('they end, and their directory with them, when the process that started them is killed', async () => {
  const script = `
    import { createDaemons } from ${JSON.stringify(MODULE)};
    const daemons = createDaemons(${JSON.stringify(directory.path)});
    daemons.start('family', 'sh', ['-c', ${JSON.stringify(FAMILY)}]);
    await daemons.untilReady(async () => daemons.logs().split('pid').length === 3, 30_000);
    console.log(daemons.logs());
    setInterval(() => {}, 60_000);`;
  const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = (await once(starter.stdout, 'data')) as [Buffer];
  const pids = pidsOf(String(printed));
  expect(pids.map(isRunning)).toEqual([true, true]);
  starter.kill('SIGKILL');
  await vi.waitFor(() => {
    expect(pids.map(isRunning)).toEqual([false, false]);
    expect(existsSync(directory.path)).toBe(false);
  }, 30_000);
});
