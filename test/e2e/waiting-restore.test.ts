import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { withLock } from '../../src/postgres/advisory-lock.ts';
import { withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { during } from '../support/during.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';
import type { ProgramResult } from '../support/topobank-backup.ts';

const signal = new AbortController().signal;
let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE t AS SELECT 1 AS id');
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
});

afterEach(() => bed.close());

const idsIn = async (name: string) =>
  withClient(bed.env, name, async (client) => {
    const { rows } = await client.query<{ id: number }>('SELECT id FROM t ORDER BY id');
    return rows.map(({ id }) => id);
  });

const onServer = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));

/** Runs a restore that has to wait until another run ends, and does something as soon as it waits. */
async function restoreAfter(args: readonly string[], onWaiting: () => Promise<unknown>) {
  const waiting = deferred<void>();
  const restoring = bed.run(
    ['restore', '--yes', ...args],
    { LOCK_WAIT: '2m' },
    {
      onSpawn: (child) => {
        child.stderr?.on('data', (text: string) => {
          if (text.includes('waiting up to 2m')) waiting.resolve(undefined);
        });
      },
    },
  );
  await Promise.race([waiting.promise, restoring]);
  await onWaiting();
  return restoring;
}

/** Runs a restore that has to wait for a backup, which is run with these variables. */
async function restoreAfterBackup(args: readonly string[], env: Record<string, string> = {}) {
  const until = deferred<void>();
  const held = new Promise<void>((onHeld) => {
    const what = { kind: 'hold', until: until.promise, onHeld } as const;
    bed.server.faults.push({ operation: 'CompleteMultipartUpload', times: 1, what });
  });
  const backingUp = bed.run(['backup', '--quiet'], env);
  await held;
  const restored = await restoreAfter(args, async () => until.resolve(undefined));
  expect(await backingUp).toMatchObject({ status: 0 });
  return restored;
}

/** Runs a restore that has to wait for another run, which only changes the databases of the server. */
function restoreAfterChange(args: readonly string[], change: () => Promise<unknown>) {
  const lock = { purpose: 'test', holder: 'test', waitMs: 0, log: keepingLog().log };
  const ended = deferred<void>();
  return new Promise<ProgramResult>((resolve, reject) => {
    withLock(bed.tool, lock, signal, async () => {
      const restoring = restoreAfter(args, async () => {
        await change();
        ended.resolve(undefined);
      });
      restoring.then(resolve, reject);
      await Promise.race([ended.promise, restoring]);
    }).catch(reject);
  });
}

test('the backup that was the latest when it was agreed to is restored, not one of the damage', async () => {
  await bed.database.query('DELETE FROM t');
  const restored = await restoreAfterBackup(['--latest', '--no-audit']);
  expect(restored).toMatchObject({ status: 0 });
  expect(await idsIn(bed.database.name)).toEqual([1]);
});

test('rows are those of the backup that was the latest when it was agreed to', async () => {
  await bed.database.query('DELETE FROM t');
  const flags = ['--table', 't', '--data-only', '--into', bed.database.name];
  const restored = await restoreAfterBackup(['--latest', ...flags]);
  expect(restored).toMatchObject({ status: 0 });
  expect(await idsIn(bed.database.name)).toEqual([1]);
});

test.each(['--drop-old', '--in-place'])(
  'with %s nothing is done for a backup that was pruned meanwhile',
  async (flag) => {
    await bed.database.query('INSERT INTO t VALUES (2)');
    const restored = await restoreAfterBackup(['--latest', '--no-audit', flag], { MAX_BACKUPS: '1' });
    expect(restored).toMatchObject({
      status: 4,
      stdout: '',
      stderr: expect.stringMatching(/cannot restore backup \d+: it has been deleted since it was chosen — /),
    });
    expect(await idsIn(bed.database.name)).toEqual([1, 2]);
    expect(await bed.databases()).toEqual([bed.database.name]);
  },
);

test('a database that was not there when the restore was agreed to is not dropped', async () => {
  const { name } = bed.database;
  const [agreed, later] = [`${name}_before_restore_20200101000000`, `${name}_before_restore_20200102000000`];
  await onServer(`CREATE DATABASE ${agreed}`);
  const restored = await restoreAfterChange(['--latest', '--no-audit'], () =>
    onServer(`CREATE DATABASE ${later}`),
  );
  expect(restored).toMatchObject({ status: 0 });
  const left = await bed.databases();
  expect(left).toContain(later);
  expect(left).not.toContain(agreed);
});

/** Puts another database, with row `id` besides, in the place of the one to be restored. */
async function replace(id: number): Promise<void> {
  const { name } = bed.database;
  await onServer(`ALTER DATABASE ${name} RENAME TO ${name}_aside`);
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${name}_aside`);
  await bed.database.query(`INSERT INTO t VALUES (${id})`);
}

test.each(['--in-place', '--drop-old'])(
  'with %s a database that has been replaced since is not dropped',
  async (flag) => {
    const restored = await restoreAfterChange(['--latest', '--no-audit', flag], () => replace(3));
    expect(restored).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /it would be dropped, and is another database than the one that was there/,
      ),
    });
    expect(await idsIn(bed.database.name)).toEqual([1, 3]);
  },
);

test('with --in-place a database that was replaced while the dump was read is not dropped', async () => {
  during(bed, { operation: 'GetObject', key: /\.sql$/ }, () => replace(3));
  const restored = await bed.run(['restore', '--latest', '--no-audit', '--in-place', '--yes']);
  expect(restored).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/is another database than the one that was there .*\n$/),
  });
  expect(await idsIn(bed.database.name)).toEqual([1, 3]);
  expect(await bed.databases()).toEqual([bed.database.name, `${bed.database.name}_aside`]);
});

test('with --drop-old a database that was replaced while the new one was filled is kept', async () => {
  const { name } = bed.database;
  during(bed, { operation: 'GetObject', key: /\.sql$/ }, () => replace(3));
  const restored = await bed.run(['restore', '--latest', '--no-audit', '--drop-old', '--yes', '--json']);
  expect(restored).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(
      /WARN: (\S+) is not dropped: it took the place of database \S+ during this restore\n/,
    ),
  });
  const { kept, dropped } = JSON.parse(restored.stdout) as { kept: string; dropped: string[] };
  expect(dropped).toEqual([]);
  expect(await idsIn(kept)).toEqual([1, 3]);
  expect(await idsIn(name)).toEqual([1]);
});
