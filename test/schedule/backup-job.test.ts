import { setImmediate } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import type { RunContext } from '../../src/backup/perform-backup.ts';
import { listBackups } from '../../src/catalog/catalog.ts';
import { StoppedError } from '../../src/errors.ts';
import { checkHealth } from '../../src/health/check-health.ts';
import { lockKey } from '../../src/postgres/advisory-lock.ts';
import { type BackupJobSettings, backupJob } from '../../src/schedule/backup-job.ts';
import type { Clock } from '../../src/schedule/clock.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import { runJobs } from '../../src/schedule/run-jobs.ts';
import type { Timetable } from '../../src/schedule/schedule.ts';
import { withClient } from '../support/database.ts';
import { makeBackups } from '../support/stored-backups.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

const HOUR = 3_600_000;

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE surface AS SELECT g AS id FROM generate_series(1, 1000) g');
});

afterEach(() => bed.close());

/** A name that no other test's sessions have. */
const holder = () => `backups of ${bed.database.name}`;

/**
 * The service's backups of a real database into a real bucket, by a clock that stands still while they work and leaps
 * over the time between them.
 */
function createService(
  spec: string,
  start: string,
  { newest = 0, backupOnStart = 'missed' }: Partial<{ newest: number } & BackupJobSettings> = {},
) {
  const schedule = parseSchedule(spec, 'UTC') as Timetable;
  const { log, lines } = keepingLog();
  let wall = Date.parse(start);
  const now = () => new Date(wall);
  const context: RunContext = {
    store: bed.store,
    database: bed.tool,
    prefix: 'backup/',
    own: undefined,
    quarantinePrefix: 'quarantine/',
    binDir: bed.env.PG_BINDIR,
    env: process.env,
    tool: 'test 1',
    maxParts: 10_000,
    partsInFlight: 2,
    media: undefined,
    rules: { newest, perUnit: { day: 0, week: 0, month: 0, year: 0 }, within: undefined },
    zone: 'UTC',
    shrinkGuard: 0.5,
    holder: holder(),
    lockWait: 0,
    startProgress: noProgress,
    now,
    log,
  };
  return {
    lines,
    now,
    /**
     * Starts the service, and stops it at `until`.
     *
     * @param look what is done before each leap
     */
    async runUntil(until: string, look = async () => {}): Promise<void> {
      const stop = new AbortController();
      const clock: Clock = {
        now,
        async sleep(ms, signal) {
          await look();
          await setImmediate();
          signal.throwIfAborted();
          wall += ms;
          if (wall >= Date.parse(until)) stop.abort(new StoppedError('SIGTERM'));
        },
      };
      const job = backupJob(context, { schedule, randomDelay: 0, backupOnStart });
      await runJobs([job], { since: now(), clock, log, random: () => 0 }, stop.signal);
    },
    async isHealthy(): Promise<boolean> {
      const rules = { schedule, database: bed.database.name, randomDelay: 0, grace: HOUR, shrinkGuard: 0.5 };
      const context = { store: bed.store, prefix: 'backup/', rules, now: now() };
      return (await checkHealth(context, new AbortController().signal)).healthy;
    },
  };
}

async function ids(): Promise<string[]> {
  const backups = await listBackups({ store: bed.store, prefix: 'backup/' }, new AbortController().signal);
  return backups.map(({ id, state }) => `${id} ${state}`).toReversed();
}

test('an interval goes on over restarts, however late in it they come, and health stays green', async () => {
  const service = createService('@every 24h', '2026-11-23T10:30:00Z');
  let leaps = 0;
  // Leaps are of a minute.
  const beGreen = async () => {
    leaps += 1;
    if (leaps % 30 === 0) expect(await service.isHealthy()).toBe(true);
  };
  await service.runUntil('2026-11-24T08:06:00Z', beGreen);
  await service.runUntil('2026-11-25T10:29:30Z', beGreen);
  await service.runUntil('2026-11-25T11:00:00Z', beGreen);
  expect(await ids()).toEqual(
    ['20261123103000', '20261124103000', '20261125103000'].map((id) => `${id} complete`),
  );
  expect(service.lines.filter((line) => line.includes('missed'))).toEqual([
    'info: no backup was missed: the newest complete backup taken is from 2026-11-23 10:30:00 UTC; next 2026-11-24 10:30:00 UTC, 2026-11-25 10:30:00 UTC, 2026-11-26 10:30:00 UTC',
    'info: no backup was missed: the newest complete backup taken is from 2026-11-24 10:30:00 UTC; next 2026-11-25 10:30:00 UTC, 2026-11-26 10:30:00 UTC, 2026-11-27 10:30:00 UTC',
  ]);
});

test('it goes on also where nothing is to be made up for at the start', async () => {
  const service = createService('@every 1h', '2026-11-23T10:30:00Z', { backupOnStart: 'never' });
  await service.runUntil('2026-11-23T11:31:00Z');
  // Each time for less than an interval.
  for (const until of ['12:20', '13:10', '14:00']) await service.runUntil(`2026-11-23T${until}:00Z`);
  expect(await ids()).toEqual(
    ['20261123113000', '20261123123000', '20261123133000'].map((id) => `${id} complete`),
  );
});

test.each([
  { what: 'is made up for', other: undefined, made: ['20261123110600'] },
  { what: 'is not wanted once the other has made its backup', other: '11:00:07', made: ['20261123110007'] },
])('a backup that found the lock taken $what', async ({ other, made }) => {
  const service = createService('0 * * * *', '2026-11-23T10:30:00Z', { backupOnStart: 'never' });
  await withClient(bed.env, 'postgres', async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey(bed.database.name)]);
    await service.runUntil('2026-11-23T11:50:00Z', async () => {
      if (service.now() < new Date('2026-11-23T11:02:00Z')) return;
      if (other !== undefined)
        await makeBackups(bed.store, bed.database.name).complete(`2026-11-23 ${other}`);
      await client.query('SELECT pg_advisory_unlock_all()');
    });
  });
  expect(await ids()).toEqual(made.map((id) => `${id} complete`));
});

test('a backup of another database under the same prefix does not make up for a missed one', async () => {
  await makeBackups(bed.store, 'other').complete('2026-11-23 10:29');
  const service = createService('@daily', '2026-11-23T10:30:00Z');
  expect(await service.isHealthy()).toBe(false);
  await service.runUntil('2026-11-23T10:40:00Z');
  expect(await ids()).toEqual(['20261123102900 complete', '20261123103000 complete']);
  expect(await service.isHealthy()).toBe(true);
});

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/** What this process holds on to. */
function holdings() {
  collectGarbage();
  return { heap: process.memoryUsage().heapUsed, resources: process.getActiveResourcesInfo().length };
}

/** Connections that the tool has to this database, and those that hold its lock. */
async function sessions(): Promise<number> {
  const rows = await bed.database.query(
    `SELECT FROM pg_stat_activity WHERE application_name = $1
     OR application_name = 'topobank-backup' AND datname = current_database()`,
    [holder()],
  );
  return rows.length;
}

test('backup after backup leaves nothing behind but the newest: no memory, no handle, no session', async () => {
  const service = createService('@every 1h', '2026-11-23T10:30:00Z', { newest: 3 });
  const held: ReturnType<typeof holdings>[] = [];
  let seen = 0;
  await service.runUntil('2026-11-24T00:31:00Z', async () => {
    const made = service.lines.filter((line) => line.includes(' is complete: ')).length;
    if (made === seen) return;
    seen = made;
    if (made % 5 === 0) held.push(holdings());
  });
  expect(seen).toBe(15);
  expect(await ids()).toHaveLength(3);
  expect(await bed.pendingUploads()).toEqual([]);
  await vi.waitFor(async () => expect(await sessions()).toBe(0), 60_000);
  const [first, , last] = held;
  expect(last!.resources - first!.resources).toBeLessThan(10);
  expect(last!.heap - first!.heap).toBeLessThan(1_000_000);
});
