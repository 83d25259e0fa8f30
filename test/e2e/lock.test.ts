import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { makeBackups } from '../support/stored-backups.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import type { ProgramResult } from '../support/topobank-backup.ts';

const SENDING = { operation: 'UploadPart' };
const PRUNING = { operation: 'DeleteObjects' };
const READING_DUMP = { operation: 'GetObject', key: /\.sql$/ };

let bed: TestBed;
/** Lets go of what the S3 server holds. */
let letGo = () => {};

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE surface AS SELECT g AS id FROM generate_series(1, 100) g');
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  // Something for prune to do.
  await makeBackups(bed.store).foreign('2020-01-01');
});

afterEach(() => {
  letGo();
  bed.server.faults.length = 0;
});

afterAll(() => bed.close());

interface HeldRun {
  readonly child: ChildProcess;
  readonly ended: Promise<ProgramResult>;
}

/** Starts the program and holds it at its first request of a kind, at which it holds the lock. */
async function holdRun(
  args: readonly string[],
  at: Pick<Fault, 'operation' | 'key'>,
  env: Readonly<Record<string, string>> = {},
): Promise<HeldRun> {
  const held = deferred<void>();
  const release = deferred<void>();
  letGo = () => release.resolve();
  const what = { kind: 'hold', until: release.promise, onHeld: () => held.resolve() } as const;
  bed.server.faults.push({ ...at, times: 1, what });
  const spawned = deferred<ChildProcess>();
  const ended = bed.run(args, env, { onSpawn: spawned.resolve });
  void ended.then(({ stderr }) => held.reject(new Error(`it ended before it was held: ${stderr}`)));
  await held.promise;
  return { child: await spawned.promise, ended };
}

async function countComplete(): Promise<number> {
  const { stdout } = await bed.run(['list', '--json']);
  return (JSON.parse(stdout) as { state: string }[]).filter(({ state }) => state === 'complete').length;
}

/** Ends the session that holds a run's lock, as a restart of the server does. */
async function takeLockFrom({ child }: HeldRun): Promise<void> {
  await withClient(bed.env, 'postgres', async (client) => {
    const { rowCount } = await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%, process ' || $1",
      [child.pid],
    );
    expect(rowCount).toBe(1);
  });
}

function holder(command: string, { child }: HeldRun): RegExp {
  return new RegExp(
    `another run holds the lock: topobank-backup ${command} on \\S+, process ${child.pid} \\(`,
  );
}

test('a prune that waited for a run which deleted what it was to delete has nothing left to do', async () => {
  const first = await holdRun(['prune', '--yes', '--max-backups', '1'], PRUNING);
  const waiting = deferred<void>();
  const second = bed.run(
    ['prune', '--yes', '--max-backups', '1', '--lock-wait', '1m', '--json'],
    {},
    {
      onSpawn: ({ stderr }) => {
        stderr?.on('data', (text: unknown) => {
          if (String(text).includes('waiting up to')) waiting.resolve();
        });
      },
    },
  );
  await waiting.promise;
  letGo();
  expect(await first.ended).toMatchObject({ status: 0 });
  const { status, stdout } = await second;
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ backups: [{ action: 'keep' }] });
  await makeBackups(bed.store).foreign('2020-01-01');
});

test('while a backup is taken, no other run touches the database or the backups', async () => {
  const before = await countComplete();
  const held = await holdRun(['backup'], SENDING);
  const beside = `${bed.database.name}_beside`;
  const refused = [
    ['backup'],
    ['restore', '--latest', '--yes'],
    ['restore', '--latest', '--into', beside],
    ['prune', '--yes', '--max-backups', '1'],
  ];
  for (const args of refused) {
    const { status, stderr } = await bed.run(args);
    expect({ args, status }).toEqual({ args, status: 5 });
    expect(stderr).toMatch(holder('backup', held));
  }
  for (const args of [
    ['list'],
    ['prune', '--dry-run'],
    ['restore', '--latest', '--into', beside, '--dry-run'],
  ]) {
    const { status, stderr } = await bed.run(args);
    expect({ args, status, stderr }).toMatchObject({ args, status: 0 });
  }
  letGo();
  expect(await held.ended).toMatchObject({ status: 0 });
  expect(await countComplete()).toBe(before + 1);
});

test.each([
  ['in its place', ['--yes']],
  ['beside it', ['--into', 'beside']],
])('while a restore %s works, no backup is taken and none is pruned', async (_, how) => {
  const args = how.map((arg) => (arg === 'beside' ? `${bed.database.name}_beside` : arg));
  // An audit reads some of the dump before the lock is taken.
  const held = await holdRun(['restore', '--latest', '--no-audit', ...args], READING_DUMP);
  for (const other of [['backup'], ['prune', '--yes', '--max-backups', '1']]) {
    const { status, stderr } = await bed.run(other);
    expect({ other, status }).toEqual({ other, status: 5 });
    expect(stderr).toMatch(holder('restore', held));
  }
  letGo();
  expect(await held.ended).toMatchObject({ status: 0 });
  // The lock was taken in one database while another one took its name.
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
});

test('with LOCK_WAIT a run waits for the other one to end', async () => {
  const before = await countComplete();
  const held = await holdRun(['backup'], SENDING);
  const waiting = deferred<void>();
  const listen = ({ stderr }: ChildProcess) =>
    stderr?.on('data', (text: string) => {
      if (text.includes('waiting up to 5m for another run to end: topobank-backup backup')) waiting.resolve();
    });
  const second = bed.run(['backup'], { LOCK_WAIT: '5m' }, { onSpawn: listen });
  await waiting.promise;
  letGo();
  expect(await held.ended).toMatchObject({ status: 0 });
  expect(await second).toMatchObject({ status: 0 });
  expect(await countComplete()).toBe(before + 2);
});

test('a backup that loses the lock is given up, and nothing of it is left', async () => {
  const before = await bed.keys();
  const held = await holdRun(['backup'], SENDING);
  await takeLockFrom(held);
  const { status, stderr } = await held.ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /cannot back up database t_\w+ on [\d.:]+: the connection that holds the lock .* — see the server’s log, and run again/,
  );
  expect(await bed.keys()).toEqual(before);
  expect(await bed.pendingUploads()).toEqual([]);
});

test('one that loses it while it prunes has made its backup, and fails', async () => {
  const before = await countComplete();
  const held = await holdRun(['backup', '--json'], PRUNING, { MAX_BACKUPS: '1' });
  await takeLockFrom(held);
  const { status, stdout, stderr } = await held.ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(/the connection that holds the lock/);
  expect(JSON.parse(stdout)).toMatchObject({ pruned: null });
  expect(await countComplete()).toBe(before + 1);
});

test('one that is stopped while it prunes says so', async () => {
  const held = await holdRun(['backup'], PRUNING, { MAX_BACKUPS: '1' });
  held.child.kill('SIGTERM');
  expect(await held.ended).toMatchObject({ status: 143 });
});

test('the lock goes with a run that is killed', async () => {
  const held = await holdRun(['backup'], SENDING);
  held.child.kill('SIGKILL');
  expect(await held.ended).toMatchObject({ signal: 'SIGKILL' });
  // The server may notice it a moment later than we do.
  expect(await bed.run(['backup'], { LOCK_WAIT: '1m' })).toMatchObject({ status: 0 });
});
