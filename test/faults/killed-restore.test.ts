import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText } from '../support/dump-text.ts';
import { startService } from '../support/running-service.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
let dump: string;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`CREATE TABLE iam AS SELECT 'old'::text AS name`);
  dump = join(bed.directory, 'dump.sql');
  await writeFile(
    dump,
    dumpText(`CREATE TABLE public.iam (name text);\nINSERT INTO public.iam VALUES ('restored');`),
  );
});

afterAll(() => bed.close());

const admin = async <R extends pg.QueryResultRow>(sql: string): Promise<R[]> =>
  withClient(bed.env, 'postgres', async (client) => (await client.query<R>(sql)).rows);

const connectable = async (database: string) =>
  (
    await admin<{ yes: boolean }>(`SELECT datallowconn AS yes FROM pg_database WHERE datname = '${database}'`)
  )[0]?.yes;

/** A session of the database that does not end when it is told to, until it is let go: its process stands still. */
async function stubbornSession(): Promise<{ letGo(): Promise<void> }> {
  const {
    POSTGRES_HOST: host,
    POSTGRES_PORT: port,
    POSTGRES_USER: user,
    POSTGRES_PASSWORD: password,
  } = bed.env;
  const client = new pg.Client({
    host: host!,
    port: Number(port),
    user: user!,
    password: password!,
    database: bed.database.name,
  });
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const ended = new Promise((resolve) => client.once('end', resolve));
  process.kill(rows[0]!.pid, 'SIGSTOP');
  return {
    async letGo() {
      process.kill(rows[0]!.pid, 'SIGCONT');
      await ended;
    },
  };
}

/** Starts a restore and kills it, past help, between refusing connections and renaming. */
async function killInTheSwap(): Promise<void> {
  const session = await stubbornSession();
  let acting: Promise<unknown> = Promise.resolve();
  const result = await bed.run(
    ['restore', dump, '--yes'],
    {},
    {
      onSpawn: (child: ChildProcess) => {
        acting = expect
          .poll(() => connectable(bed.database.name), { timeout: 60_000 })
          .toBe(false)
          .then(() => child.kill('SIGKILL'));
      },
    },
  );
  await acting;
  await session.letGo();
  expect(result.signal).toBe('SIGKILL');
}

/** The statement that a message tells the operator to run. */
function statementIn(text: string, verb: string): string {
  const [statement] = new RegExp(`${verb} DATABASE .*;`).exec(text) ?? [];
  expect(statement, text).toBeDefined();
  return statement!;
}

test('after a restore that was killed in the middle of the swap, doctor says what to run, and the next backup does it', async () => {
  const { name } = bed.database;
  await killInTheSwap();
  expect(await bed.databases()).toEqual([name, expect.stringMatching(/_restore_\d{14}$/)]);

  const doctor = await bed.run(['doctor']);
  expect(doctor.status).toBe(3);
  expect(doctor.stdout).toContain(statementIn(doctor.stdout, 'ALTER'));

  const backup = await bed.run(['backup']);
  expect(backup).toMatchObject({ status: 0 });
  expect(backup.stderr).toMatch(
    /WARN: database \S+ refused connections because .* it accepts connections again/,
  );
  expect(await bed.database.query('SELECT name FROM iam')).toEqual([{ name: 'old' }]);

  const again = await bed.run(['doctor']);
  expect(again.status).toBe(0);
  await admin(statementIn(again.stdout, 'DROP'));
  expect(await bed.databases()).toEqual([name]);
});

test('where the database is gone, what a killed restore has left is not advised to be dropped first', async () => {
  const gone = `${bed.database.name}_gone`;
  const left = `${gone}_restore_20261123103000`;
  await admin(`CREATE DATABASE ${left}`);
  const { status, stdout } = await bed.run(['doctor', '--json'], { POSTGRES_DB: gone });
  expect(status).toBe(3);
  expect(JSON.parse(stdout)).toContainEqual({
    check: 'database: left over',
    state: 'warning',
    detail: `there is no database ${gone}, and ${left} holds what a restore has filled that failed, was killed or is still running`,
    remedy: `if none is running, restore ${gone} again, and then run: DROP DATABASE "${left}";`,
  });
  await admin(`DROP DATABASE ${left}`);
});

test('a service that starts then has the database serve again at once', async () => {
  await killInTheSwap();
  const service = startService(bed, { DBBACKUP_SCHEDULE: '@yearly', BACKUP_ON_START: 'never' });
  await service.line(/waiting for the database .* it refuses connections/);
  await service.line(/WARN: database \S+ refused connections because .* it accepts connections again/);
  await service.line(/database \S+ on \S+ responds/);
  expect(await connectable(bed.database.name)).toBe(true);
  expect(await service.stop()).toMatchObject({ status: 0 });
  const [left] = (await bed.databases()).filter((other) => /_restore_\d{14}$/.test(other));
  await admin(`DROP DATABASE ${left}`);
});

test('the next restore says what was left behind and mends it by itself', async () => {
  await killInTheSwap();
  const restored = await bed.run(['restore', dump, '--yes']);
  expect(restored).toMatchObject({ status: 0 });
  expect(restored.stderr).toMatch(
    /WARN: database \S+ refused connections because .* it accepts connections again/,
  );
  expect(await bed.database.query('SELECT name FROM iam')).toEqual([{ name: 'restored' }]);
  const [kept] = (await bed.databases()).filter((other) => other.includes('_before_restore_'));
  expect(await connectable(kept!)).toBe(true);
  await admin(statementIn(restored.stderr, 'DROP'));
  expect(await bed.databases()).toEqual([bed.database.name, kept]);
});

test('a database that was closed on purpose stays so, and a backup says what to run', async () => {
  const { name } = bed.database;
  await admin(`CREATE DATABASE ${name}_restore_20261123103000`);
  await admin(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  const backup = await bed.run(['backup']);
  expect(backup).toMatchObject({ status: 1, stdout: '' });
  expect(backup.stderr).toMatch(/refuses connections, as after a restore that was killed/);
  expect(backup.stderr).toMatch(/run on database postgres: ALTER DATABASE/);
  expect(await connectable(name)).toBe(false);
  await admin(statementIn(backup.stderr, 'ALTER'));
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
});
