import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { checkHealth } from '../../src/health/check-health.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import { deferred } from '../support/deferred.ts';
import { type BackupMaker, makeBackups } from '../support/stored-backups.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const HOUR_MS = 3_600_000;

let bed: TestBed;
let make: BackupMaker;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  make = makeBackups(bed.store);
});

afterAll(() => bed.close());

beforeEach(async () => {
  bed.server.faults.length = 0;
  await bed.store.remove(await bed.keys(), new AbortController().signal);
});

const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString().slice(0, 19);

/** As a container’s health check asks, but without any of the database's variables: it is not needed. */
function health(env: Readonly<Record<string, string | undefined>> = {}, args: readonly string[] = []) {
  const none = Object.fromEntries(Object.keys(bed.database.env).map((name) => [name, undefined]));
  return bed.run(['health', ...args], { ...none, ...env });
}

test('a backup that was just taken is healthy', async () => {
  expect((await bed.run(['backup'])).status).toBe(0);
  const { status, stdout, stderr } = await health();
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^healthy: backup \d{14} is [\d.]+\w+( \w+)? old; the next is due at [\d-]+ 00:00:00 UTC\n$/,
  );
  expect(stderr).toBe('');
});

test('one that is late is not, and since when is said', async () => {
  await make.complete(hoursAgo(72));
  const { status, stdout } = await health();
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^unhealthy: the backup due at [\d-]+ 00:00:00 UTC is \d+\w( \d+\w)? late; the newest complete backup taken is \d{14}\n$/,
  );
});

test('a server that breaks off is not waited for, for who asks may not wait', async () => {
  await make.complete(hoursAgo(1));
  bed.server.faults.push({ operation: 'GetObject', what: { kind: 'drop', when: 'before' } });
  const { status, stderr } = await health();
  expect(status).toBe(1);
  expect(stderr).toMatch(/^topobank-backup: cannot read .*: .*ECONNRESET.*\n$/);
});

test('a server that stays silent is given up before whoever asks gives up', async () => {
  await make.complete(hoursAgo(1));
  const over = deferred<void>();
  bed.server.faults.push({ operation: 'GetObject', what: { kind: 'hold', until: over.promise } });
  const rules = {
    schedule: parseSchedule('@daily', 'UTC', 'DBBACKUP_SCHEDULE'),
    database: undefined,
    randomDelay: 0,
    grace: undefined,
    shrinkGuard: 0,
  };
  const context = { store: bed.store, prefix: 'backup/', rules, now: new Date(), limitMs: 100 };
  await expect(checkHealth(context, new AbortController().signal)).rejects.toThrow(
    `cannot check the backups under backup/ of bucket ${bed.store.bucket} (${bed.store.endpoint}): the server did not answer within 100ms — check AWS_S3_ENDPOINT_URL`,
  );
  over.resolve();
});

test('the schedule and the grace are those of the service', async () => {
  await make.complete(hoursAgo(3));
  expect(await health({ DBBACKUP_SCHEDULE: '@every 1h' })).toMatchObject({ status: 1 });
  expect(await health({ DBBACKUP_SCHEDULE: '@every 1h', HEALTH_GRACE: '3h' })).toMatchObject({ status: 0 });
  expect(await health({ SCHEDULE: '@every 6h' })).toMatchObject({ status: 0 });
  expect(await health({}, ['--schedule', '@every 1h', '--grace', '1h'])).toMatchObject({ status: 1 });
  expect(await health({ DBBACKUP_SCHEDULE: '61 * * * *' })).toMatchObject({ status: 2 });
});

test('without a schedule a backup has to exist', async () => {
  const missing = await health({ DBBACKUP_SCHEDULE: 'none' });
  expect(missing).toMatchObject({ status: 1, stdout: 'unhealthy: there is no complete backup\n' });
  await make.complete('2016-01-01');
  const there = await health({ DBBACKUP_SCHEDULE: 'none' });
  expect(there.status).toBe(0);
  expect(there.stdout).toMatch(/old; without a schedule, none is due\n$/);
});

test('a foreign dump is none that counts', async () => {
  await make.foreign(hoursAgo(1));
  const { status, stdout } = await health();
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^unhealthy: there is no complete backup, and one was due at [\d-]+ 00:00:00 UTC\n$/,
  );
});

test('--json tells it all', async () => {
  await make.complete('2026-01-01 12:00', 10);
  await make.complete('2026-01-02 12:00', 1);
  const { status, stdout } = await health({}, ['--json']);
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    healthy: false,
    reason: expect.stringMatching(/^the backup due at 2026-01-03 00:00:00 UTC/),
    newest: { id: '20260102120000', startedAt: '2026-01-02T12:00:00.000Z' },
    dueAt: '2026-01-03T00:00:00.000Z',
    lateAt: '2026-01-03T18:00:00.000Z',
    shrunk: {
      id: '20260102120000',
      key: 'backup/postgres-backup-20260102120000.sql',
      database: 'topobank',
      bytes: 1,
      previous: { id: '20260101120000', key: 'backup/postgres-backup-20260101120000.sql', bytes: 10 },
    },
    faulty: null,
  });
});

test('of many backups the newest two manifests are read', async () => {
  for (let day = 1; day <= 20; day++) await make.complete(`2026-01-${String(day).padStart(2, '0')}`);
  bed.server.requests.length = 0;
  await health();
  expect(bed.server.requests.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
    'ListObjectsV2 ',
    'GetObject backup/postgres-backup-20260120000000.manifest.json',
    'GetObject backup/postgres-backup-20260119000000.manifest.json',
  ]);
});

test('no more than some twenty are read beside those of another database', async () => {
  await make.complete('2026-01-01');
  const others = makeBackups(bed.store, 'other');
  await make.complete('2026-02-28');
  for (let day = 1; day <= 27; day++) await others.complete(`2026-02-${String(day).padStart(2, '0')}`);
  bed.server.requests.length = 0;
  await health({ POSTGRES_DB: 'topobank' });
  expect(bed.server.requests.filter(({ operation }) => operation === 'GetObject')).toHaveLength(20);
});

test('where the database is named, backups of others do not count', async () => {
  await make.complete(hoursAgo(1));
  await makeBackups(bed.store, 'other').complete(hoursAgo(0));
  const [own, others] = [await health({ POSTGRES_DB: 'topobank' }), await health({ DATABASE_NAME: 'other' })];
  expect([own.status, others.status]).toEqual([0, 0]);
  const [ownId, othersId] = [own, others].map(({ stdout }) => /backup (\d{14})/.exec(stdout)?.[1]);
  expect(Number(ownId)).toBeLessThan(Number(othersId));
  const none = await health({ POSTGRES_DB: 'third', DBBACKUP_SCHEDULE: 'none' });
  expect(none).toMatchObject({
    status: 1,
    stdout: 'unhealthy: there is no complete backup of database third\n',
  });
});

test('a bucket that cannot be read is not healthy', async () => {
  bed.server.faults.push({
    operation: 'ListObjectsV2',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const { status, stderr } = await health();
  expect(status).toBe(1);
  expect(stderr).toMatch(/cannot list backup\/postgres-backup- in bucket topobank-assets .*403 AccessDenied/);
});
