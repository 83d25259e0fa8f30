import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { lockKey } from '../../src/postgres/advisory-lock.ts';
import { createS3Client } from '../../src/s3/client.ts';
import { withClient } from '../support/database.ts';
import { removeBucket } from '../support/remove-bucket.ts';
import { startService } from '../support/running-service.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import { storeSettings } from '../support/test-store.ts';

const COMPLETE = /INFO.*: backup \d{14} is complete/;
const ACCESS_DENIED = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
const SILENCE = { kind: 'hold', until: new Promise(() => {}) } as const;

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE surface AS SELECT g AS id FROM generate_series(1, 1000) g');
});

afterEach(() => bed.close());

async function listStates(): Promise<string[]> {
  const { stdout } = await bed.run(['list', '--json']);
  return (JSON.parse(stdout) as { state: string }[]).map(({ state }) => state);
}

async function uploadHasBegun(): Promise<void> {
  await vi.waitFor(async () => expect(await bed.pendingUploads()).toHaveLength(1), 60_000);
}

test('it backs up again and again, and a signal ends it with nothing half done', async () => {
  const service = startService(bed, { DBBACKUP_SCHEDULE: '@every 1s', MAX_BACKUPS: '2' });
  await service.line(/WARN.*more than once a minute, .* the newest 2 backups \(MAX_BACKUPS\)/);
  await service.line(/INFO.*: backup: every second \(UTC\), next .* UTC, .* UTC, .* UTC at the latest$/);
  await service.line(/INFO.*: backing up \S+ \(\S+ MiB, PostgreSQL \d\S+\) as \d{14} with pg_dump \d\S+$/);
  for (let made = 0; made < 4; made += 1) await service.line(COMPLETE);
  const { status, stdout } = await service.stop();
  // While it waits, or while it works.
  expect([0, 143]).toContain(status);
  expect(stdout).toBe('');
  const states = await listStates();
  expect(new Set(states)).toEqual(new Set(['complete']));
  expect(states.length).toBeLessThanOrEqual(3);
  expect(await bed.pendingUploads()).toEqual([]);
});

test('a signal while it waits ends it with status 0', async () => {
  const service = startService(bed, { SCHEDULE: '@yearly', BACKUP_ON_START: 'never' });
  await service.line(/backup: at 00:00 on day 1 of January/);
  const { status, stderr } = await service.stop();
  expect(status).toBe(0);
  expect(stderr.split('\n')[0]).toMatch(
    new RegExp(
      `INFO.*: topobank-backup \\S+ backs up database ${bed.database.name} on \\S+:\\d+ as \\S+ to backup/ in bucket ${bed.store.bucket} on http://\\S+$`,
    ),
  );
  expect(stderr).toMatch(/INFO.*: stopped between two backups\n$/);
  expect(await bed.keys()).toEqual([]);
});

test('a signal in the middle of a run ends it with 143: no upload and no object is left', async () => {
  bed.server.faults.push({ operation: 'UploadPart', what: SILENCE });
  const service = startService(bed, { DBBACKUP_SCHEDULE: '@yearly', BACKUP_ON_START: 'always' });
  await uploadHasBegun();
  const { status, stderr } = await service.stop();
  expect(status).toBe(143);
  expect(stderr).toContain('topobank-backup: stopped: received SIGTERM\n');
  expect(await bed.keys()).toEqual([]);
  expect(await bed.pendingUploads()).toEqual([]);
});

test.each<[what: string, args: readonly string[], schedule: string]>([
  ['a run', ['service'], '@yearly'],
  ['a backup by hand', ['dbbackup'], 'none'],
])(
  'a signal in the middle of %s ends it also when the S3 server does not answer',
  async (_, args, schedule) => {
    bed.server.faults.push(
      { operation: 'UploadPart', what: SILENCE },
      { operation: 'AbortMultipartUpload', what: SILENCE },
    );
    const service = startService(bed, { DBBACKUP_SCHEDULE: schedule, BACKUP_ON_START: 'always' }, args);
    await uploadHasBegun();
    const { status, stderr } = await service.stop();
    expect(status).toBe(143);
    expect(stderr).toMatch(
      /WARN.*: backup did not stop in time; a later backup aborts its upload, `doctor` names a leftover database, and `list` shows a dump without a manifest as foreign/,
    );
  },
);

test('runs that fail are said, one line each with the remedy, and the service goes on', async () => {
  bed.server.faults.push({ operation: 'CreateMultipartUpload', times: 2, what: ACCESS_DENIED });
  const service = startService(bed, { DBBACKUP_SCHEDULE: '@every 1s', BACKUP_ON_START: 'never' });
  const failed = /ERROR.*: backup failed, next try .*: 403 AccessDenied — .*s3:PutObject/;
  await service.line(failed);
  await service.line(failed);
  await service.line(COMPLETE);
  const { stderr } = await service.stop();
  expect(stderr.match(/ERROR/g)).toHaveLength(2);
  expect(new Set(await listStates())).toEqual(new Set(['complete']));
});

test('a bucket that vanishes is made again by the next run, which says so', async () => {
  const service = startService(bed, { DBBACKUP_SCHEDULE: '@every 2s' });
  await service.line(COMPLETE);
  const client = createS3Client(storeSettings(bed.server, bed.store.bucket));
  // A run may put something into it meanwhile.
  await vi.waitFor(() => removeBucket(client, bed.store, new AbortController().signal), 60_000);
  client.destroy();
  await service.line(
    /WARN.*: bucket \S+ did not exist and was created; if it held anything before, that is gone$/,
  );
  await service.line(COMPLETE);
  await service.stop();
  expect(await listStates()).toContain('complete');
});

test('a backup whose pruning fails is no failed backup', async () => {
  bed.server.faults.push({ operation: 'DeleteObjects', what: ACCESS_DENIED });
  const service = startService(bed, { DBBACKUP_SCHEDULE: '@every 1s', MAX_BACKUPS: '1' });
  await service.line(COMPLETE);
  await service.line(COMPLETE);
  await service.line(/ERROR.*: the backup succeeded, but pruning failed: .*403 AccessDenied — /);
  const { stderr } = await service.stop();
  expect(stderr).not.toContain('next try');
});

test('a run that finds the lock taken is put off; the next one that gets it works', async () => {
  const service = await withClient(bed.env, 'postgres', async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey(bed.database.name)]);
    const waiting = startService(bed, { DBBACKUP_SCHEDULE: '@every 1s' });
    await waiting.line(
      /WARN.*: backup put off, next try .*: cannot back up database .*: another run holds the lock: /,
    );
    expect(await bed.keys()).toEqual([]);
    return waiting;
  });
  await service.line(COMPLETE);
  const { stderr } = await service.stop();
  expect(stderr).not.toContain('ERROR');
});

test('at its start it makes up for a backup that was missed, and only then', async () => {
  const first = startService(bed, { DBBACKUP_SCHEDULE: '@yearly' });
  await first.line(/INFO.*: a backup is due now: there is no complete backup/);
  await first.line(COMPLETE);
  await first.stop();

  const second = startService(bed, { DBBACKUP_SCHEDULE: '@yearly' });
  await second.line(/INFO.*: no backup was missed: the newest complete backup taken is from .* UTC/);
  expect(await second.stop()).toMatchObject({ status: 0 });
  expect(await listStates()).toEqual(['complete']);
});

/** Answers on a port as PostgreSQL does. */
async function forward(port: number): Promise<Server> {
  const { POSTGRES_PORT, POSTGRES_HOST } = bed.env;
  return listen(port, (socket) => {
    const upstream = connect(Number(POSTGRES_PORT), POSTGRES_HOST!);
    socket.pipe(upstream).pipe(socket);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
  });
}

async function listen(port: number, onConnection: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(onConnection);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server) => (server.address() as { port: number }).port;

async function freePort(): Promise<number> {
  const server = await listen(0, () => {});
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Nothing falls due in the course of a test. */
const yearlyOn = (port: number) => ({
  DBBACKUP_SCHEDULE: '@yearly',
  POSTGRES_HOST: '127.0.0.1',
  POSTGRES_PORT: String(port),
});

test('a database that is down at the start is waited for, and said once', async () => {
  const port = await freePort();
  const service = startService(bed, yearlyOn(port));
  await service.line(
    /WARN.*: waiting for the database until .*-01-01 00:00:00 UTC at the latest: .*ECONNREFUSED.* — /,
  );
  const server = await forward(port);
  try {
    await service.line(/INFO.*: database .* responds/);
    await service.line(COMPLETE);
    const { stderr } = await service.stop();
    expect(stderr.match(/waiting for the database/g)).toHaveLength(1);
    expect(stderr).not.toContain('ERROR');
  } finally {
    server.close();
  }
});

test('a database that is down is no reason to be silent: a run that is due fails, and says so', async () => {
  const service = startService(bed, { ...yearlyOn(await freePort()), DBBACKUP_SCHEDULE: '@every 2s' });
  await service.line(/WARN.*: waiting for the database/);
  await service.line(/ERROR.*: backup failed, next try .*: cannot connect to database .*ECONNREFUSED/);
  await service.line(/ERROR.*: backup failed/);
  await service.stop();
});

test('a signal ends it with status 0 while it waits for a database that refuses, or is silent', async () => {
  const silent = await listen(0, () => {});
  try {
    const hanging = startService(bed, yearlyOn(portOf(silent)));
    await hanging.line(/backup: at 00:00 on day 1 of January/);
    expect(await hanging.stop()).toMatchObject({ status: 0 });
  } finally {
    silent.close();
  }
  const refused = startService(bed, yearlyOn(await freePort()));
  await refused.line(/waiting for the database/);
  expect(await refused.stop()).toMatchObject({ status: 0 });
});

test('with DBBACKUP_SCHEDULE=none it is one backup, and its status', async () => {
  const done = await bed.run(['service', '--json'], { DBBACKUP_SCHEDULE: 'none' });
  expect(done).toMatchObject({ status: 0 });
  expect(JSON.parse(done.stdout)).toMatchObject({ key: expect.stringMatching(/\.sql$/), rows: 1000 });
  bed.server.faults.push({ operation: 'CreateMultipartUpload', what: ACCESS_DENIED });
  expect(await bed.run(['service'], { DBBACKUP_SCHEDULE: 'none' })).toMatchObject({ status: 1 });
});

test('it audits rows and media by a schedule of its own, and says what it found', async () => {
  await bed.database.query(
    `CREATE TABLE files (id int PRIMARY KEY, key text); INSERT INTO files VALUES (1, 'x')`,
  );
  const service = startService(bed, {
    DBBACKUP_SCHEDULE: '@yearly',
    BACKUP_ON_START: 'never',
    AUDIT_SCHEDULE: '@every 1s',
    AUDIT_REFERENCES: '[{"column": "files.key"}]',
  });
  await service.line(/INFO.*: audit: every second \(UTC\), next/);
  await service.line(/WARN.*: rows and media objects do not agree: 1 dangling, 0 orphaned/);
  await bed.database.query('DELETE FROM files');
  await service.line(/INFO.*: rows and media objects agree: 0 references, 0 objects/);
  await service.stop();
});
