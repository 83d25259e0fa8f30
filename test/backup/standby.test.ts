import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { databaseError } from '../../src/postgres/errors.ts';
import { type AuditBed, createAuditBed } from '../audit/audit-bed.ts';
import { createTestDatabase, listDatabaseNames, withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const [one, other] = [scratchDirectory('primary'), scratchDirectory('standby')];
let primary: PostgresServer;
let standby: PostgresServer;
let bed: AuditBed;
/** The standby lets no query keep it from following the primary. */
const HASTY = { max_standby_streaming_delay: '0' };
/** Makes the program work on the standby. */
let there: Readonly<Record<string, string>>;

beforeAll(async () => {
  primary = await startPostgres({ directory: one.path });
  bed = await createAuditBed(
    primary.env,
    `CREATE TABLE files_manifest (id bigint PRIMARY KEY, file varchar(512));
     INSERT INTO files_manifest VALUES (1, 'f/1'), (2, 'f/2'); DELETE FROM files_manifest WHERE id = 2;
     CREATE UNLOGGED TABLE "not logged" (n int); INSERT INTO "not logged" VALUES (1)`,
  );
  await bed.put('media/f/1');
  await bed.put('media/f/2');
  // A copy has all that is there before it.
  standby = await startPostgres({ directory: other.path, standbyOf: primary, settings: HASTY });
  there = { POSTGRES_PORT: String(standby.port) };
});

afterAll(async () => {
  await bed.close();
  await standby.stop();
  await primary.stop();
  one.remove();
  other.remove();
});

test('a backup of a standby says that it lacks the rows of unlogged tables, and is a good one', async () => {
  expect(await bed.run(['backup'], there)).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(
      'WARN: the server is a standby, so the backup lacks the rows of unlogged tables: public."not logged"\n',
    ),
  });
  const backup = (await bed.run(['verify', '--restore', '--json'])).stdout;
  expect(JSON.parse(backup)).toMatchObject({ ok: true, faults: [] });
});

/** Runs `work` while a transaction of the primary holds a table that the standby has. */
async function whileLocked(
  table: string,
  work: (letGo: () => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  await withClient(bed.env, bed.database.name, async (client) => {
    await client.query(`BEGIN; LOCK TABLE ${table}`);
    // The standby learns of the lock with what the primary writes next.
    await bed.database.query('SELECT pg_switch_wal()');
    await work(() => client.query('ROLLBACK'));
  });
}

/** Whether the standby has a table already. */
const isThere = (table: string): Promise<boolean> =>
  withClient({ ...bed.env, ...there }, bed.database.name, async (client) => {
    const { rows } = await client.query('SELECT FROM pg_class WHERE relname = $1', [table]);
    return rows.length > 0;
  });

/** Locks on the standby that keep others from reading. */
const locksThere = (): Promise<boolean[]> =>
  withClient({ ...bed.env, ...there }, bed.database.name, async (client) => {
    const { rows } = await client.query<{ granted: boolean }>(
      "SELECT granted FROM pg_locks WHERE mode = 'AccessExclusiveLock'",
    );
    return rows.map(({ granted }) => granted);
  });

test('a backup that waits for a lock of the primary says where to look, and names no process to end', async () => {
  await whileLocked('files_manifest', async (letGo) => {
    await expect.poll(locksThere, { timeout: 60_000 }).toEqual([true]);
    let said = '';
    const running = bed.run(['backup'], there, {
      onSpawn: ({ stderr }) =>
        stderr?.on('data', (text: string) => {
          said += text;
        }),
    });
    await expect.poll(() => said, { timeout: 60_000 }).toContain('pg_dump is waiting');
    await letGo();
    expect((await running).status).toBe(0);
    expect(said).toContain(
      'WARN: pg_dump is waiting for a lock on public.files_manifest, which the standby holds until it has the end of the transaction that holds it on the primary (see pg_locks there)\n',
    );
    expect(said).not.toContain('pg_terminate_backend');
  });
});

test('a backup that recovery ends for a lock of the primary says what helps against that', async () => {
  await bed.database.query(
    'CREATE TABLE large AS SELECT repeat(md5(n::text), 1000) AS t FROM generate_series(1, 2000) AS n',
  );
  await expect.poll(() => isThere('large'), { timeout: 60_000 }).toBe(true);
  const conflict = deferred<void>();
  const held = deferred<void>();
  bed.server.faults.push({
    operation: 'UploadPart',
    what: { kind: 'hold', until: conflict.promise, onHeld: () => held.resolve() },
  });
  const running = bed.run(['backup'], there);
  await held.promise;
  await whileLocked('large', async () => {
    await expect.poll(locksThere, { timeout: 60_000 }).toHaveLength(1);
    conflict.resolve();
    expect(await running).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /conflict with recovery DETAIL: .* — set a larger max_standby_streaming_delay on the standby, and run again: a table was locked on the primary, as by DROP, TRUNCATE, ALTER TABLE or VACUUM\n$/,
      ),
    });
  });
  bed.server.faults.length = 0;
  expect(await bed.pendingUploads()).toEqual([]);
  await bed.database.query('DROP TABLE large');
});

test('a restore waits for no synchronous standby that is away', async () => {
  // The throwaway server waits for none by itself.
  await bed.database.query(`ALTER ROLE ${primary.user} SET synchronous_commit = on`);
  await bed.database.query("ALTER SYSTEM SET synchronous_standby_names = 'gone'");
  await bed.database.query('SELECT pg_reload_conf()');
  try {
    await bed.run(['backup']);
    const restored = await bed.run(['restore', '--latest', '--yes', '--drop-old', '--no-audit', '--quiet']);
    expect(restored).toMatchObject({ status: 0, stderr: '' });
    expect(await bed.databases()).toEqual([bed.database.name]);
  } finally {
    await bed.database.query('ALTER SYSTEM RESET synchronous_standby_names');
    await bed.database.query('SELECT pg_reload_conf()');
    await bed.database.query(`ALTER ROLE ${primary.user} RESET synchronous_commit`);
  }
});

test('what stops because the database is dropped on the primary says so', async () => {
  const doomed = await createTestDatabase(primary.env);
  const config = readConfig({ env: { ...doomed.env, ...there }, flags: {} }, ['database']);
  await expect
    .poll(() => listDatabaseNames({ ...bed.env, ...there }), { timeout: 60_000 })
    .toContain(doomed.name);
  const begun = deferred<void>();
  const stopped = openDatabase(config, {})
    .use(doomed.name, new AbortController().signal, async (client) => {
      begun.resolve();
      await client.query('SELECT pg_sleep(600)');
    })
    .catch((error: unknown) => databaseError('cannot read rows', error).message);
  await begun.promise;
  await doomed.drop();
  expect(await stopped).toBe(
    'cannot read rows: terminating connection due to conflict with recovery — check POSTGRES_DB: the database was dropped on the primary',
  );
});

test('a restore tells of sessions on a standby, which stay in the old database, and how they end', async () => {
  expect((await bed.run(['backup'])).status).toBe(0);
  await withClient({ ...bed.env, ...there }, bed.database.name, async (reader) => {
    const ended = new Promise<void>((resolve) => reader.once('end', () => resolve()));
    reader.on('error', () => {});
    const restored = await bed.run(['restore', '--latest', '--yes', '--no-audit', '--quiet']);
    const [, kept] = await bed.databases();
    await expect.poll(() => listDatabaseNames({ ...bed.env, ...there }), { timeout: 60_000 }).toContain(kept);
    const current = await reader.query<{ name: string }>('SELECT current_database() AS name');
    expect(current.rows).toEqual([{ name: kept }]);
    const [, statement = ''] =
      /^sessions on standbys \(walreceiver\) are not ended and still read the old database; to end them, run on each: (SELECT .*;)$/m.exec(
        restored.stdout,
      ) ?? [];
    expect(statement, restored.stdout).not.toBe('');
    await withClient({ ...bed.env, ...there }, 'postgres', (other) => other.query(statement));
    await ended;
  });
});

test('no orphan is moved or purged by what a standby has', async () => {
  const refused = {
    status: 2,
    stderr: expect.stringMatching(
      /cannot determine which objects no row owns: the server is a standby, which has .* — set POSTGRES_HOST to the primary\n$/,
    ),
  };
  const audit = await bed.audit(['--grace', '0'], there);
  expect(audit.stderr).toMatch(
    /WARN: the server is a standby, which has .*: rows that it lacks may own some orphans\n/,
  );
  expect(await bed.audit(['--grace', '0', '--quarantine', '--yes'], there)).toMatchObject(refused);
  expect(await bed.keys()).toEqual(expect.arrayContaining(['media/f/1', 'media/f/2']));

  expect(await bed.audit(['--grace', '0', '--quarantine', '--yes'])).toMatchObject({ status: 0 });
  const keys = await bed.keys();
  expect(keys).not.toContain('media/f/2');
  expect(await bed.run(['quarantine', 'purge', '--older-than', '0', '--yes'], there)).toMatchObject(refused);
  expect(await bed.keys()).toEqual(keys);
});

test('doctor tells a standby, and a backup that it is behind', async () => {
  const found = async () => {
    const { stdout } = await bed.run(['doctor', '--json'], there);
    return (JSON.parse(stdout) as DoctorFinding[]).find(({ check }) => check === 'database: standby');
  };
  expect(await found()).toEqual({
    check: 'database: standby',
    state: 'warning',
    detail: expect.stringMatching(
      /^the server is a standby, which has the changes up to \d{4}-.* UTC, and backups lack the rows of unlogged public."not logged"$/,
    ),
    remedy: 'set POSTGRES_HOST to the primary to restore, or to act on orphans',
  });
  await primary.crash();
  const behind =
    /WARN: the server is a standby, which has the changes up to \d{4}-.* UTC: the backup may lack later ones\n/;
  // The standby notices after a moment.
  await expect
    .poll(async () => (await bed.run(['backup'], there)).stderr, { timeout: 60_000 })
    .toMatch(behind);
  await primary.startAgain();
});
