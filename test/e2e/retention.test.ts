import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { type BackupMaker, makeBackups } from '../support/stored-backups.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
let make: BackupMaker;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  make = makeBackups(bed.store, bed.database.name);
  await bed.database.query('CREATE TABLE surface AS SELECT g AS id FROM generate_series(1, 20000) g');
});

afterAll(() => bed.close());

beforeEach(async () => {
  bed.server.faults.length = 0;
  await bed.store.remove(await bed.keys(), new AbortController().signal);
});

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly shrunk?: { readonly id: string; readonly previous: { readonly id: string } };
}

async function list(): Promise<Listed[]> {
  const { status, stdout } = await bed.run(['list', '--json']);
  expect(status).toBe(0);
  return JSON.parse(stdout) as Listed[];
}

const DAYS = ['2026-01-05', '2026-01-04', '2026-01-03', '2026-01-02', '2026-01-01'];

test('a bucket full of go-s3-backup’s dumps shrinks to MAX_BACKUPS with the first backup', async () => {
  for (let day = 1; day <= 14; day++) {
    await make.foreign(`2026-01-${String(day).padStart(2, '0')} 02:00:07`, 100, day % 2 === 0 ? '.gz' : '');
  }
  await make.object('backup/README.txt');
  const { status, stdout, stderr } = await bed.run(['backup', '--json']);
  expect(status).toBe(0);
  const made = JSON.parse(stdout) as { id: string; pruned: string[] };
  expect(made.pruned).toHaveLength(5);
  expect(stderr).toContain('pruned 5 backups (500 B): 20260101020007 to 20260105020007');
  const listed = await list();
  expect(listed.map(({ state }) => state)).toEqual(['complete', ...Array(9).fill('foreign')]);
  expect(listed.at(-1)?.id).toBe('20260106020007');
  expect(await bed.keys()).toContain('backup/README.txt');
});

test('MAX_BACKUPS=0 keeps everything', async () => {
  for (const day of DAYS) await make.foreign(day, 10);
  const { status } = await bed.run(['backup'], { MAX_BACKUPS: '0' });
  expect(status).toBe(0);
  expect(await list()).toHaveLength(DAYS.length + 1);
});

test.each([[[]], [['--yes']], [['--dry-run']]])(
  'prune %j without a backup says so, and no more',
  async (args) => {
    expect(await bed.run(['prune', ...args])).toMatchObject({
      status: 0,
      stdout: `there are no backups under backup/ in bucket ${bed.store.bucket}\n`,
      stderr: '',
    });
  },
);

test('prune shows what it would do, asks, and does it', async () => {
  for (const day of DAYS) await make.complete(day);
  const rules = { MAX_BACKUPS: '1', KEEP_MONTHLY: '3', KEEP_WITHIN: '1d' };

  const dry = await bed.run(['prune', '--dry-run'], {
    ...rules,
    POSTGRES_USER: undefined,
    POSTGRES_DB: undefined,
  });
  expect(dry.status).toBe(0);
  expect(dry.stdout).toMatch(/^ID +AGE +SIZE +STATE +ACTION +WHY$/m);
  expect(dry.stdout).toMatch(
    /^20260105000000 .* complete +keep +the newest, newest of month 2026-01, within 1d of the newest$/m,
  );
  expect(dry.stdout).toMatch(/^20260103000000 .* complete +remove +no rule keeps it$/m);
  expect(dry.stdout).toMatch(
    /would delete 3 of 5 backups \(2\.93 KiB\) under backup\/ in bucket topobank-assets\n$/,
  );

  const asked = await bed.run(['prune'], rules);
  expect(asked.status).toBe(2);
  expect(asked.stderr).toMatch(
    /delete 3 of 5 backups .*: cannot ask for confirmation without a terminal — give --yes/,
  );
  expect(await list()).toHaveLength(5);

  const done = await bed.run(['prune', '--yes', '--json'], rules);
  expect(done.status).toBe(0);
  const document = JSON.parse(done.stdout) as {
    backups: { id: string; action: string; reasons: string[] }[];
  };
  expect(document).toMatchObject({ dryRun: false, shrunk: null });
  expect(document.backups.map(({ id, action }) => `${id} ${action}`)).toEqual([
    '20260105000000 keep',
    '20260104000000 keep',
    '20260103000000 remove',
    '20260102000000 remove',
    '20260101000000 remove',
  ]);
  expect((await list()).map(({ id }) => id)).toEqual(['20260105000000', '20260104000000']);

  const again = await bed.run(['prune'], rules);
  expect(again.status).toBe(0);
  expect(again.stdout).toMatch(/nothing to delete: the rules keep every backup under backup\//);
});

test('days begin where TZ says', async () => {
  await make.complete('2026-01-02 00:30');
  await make.complete('2026-01-01 23:30');
  const rules = { MAX_BACKUPS: '1', KEEP_DAILY: '2' };
  expect((await bed.run(['prune', '--dry-run'], rules)).stdout).toMatch(/nothing to delete/);
  const berlin = await bed.run(['prune', '--dry-run'], { ...rules, TZ: 'Europe/Berlin' });
  expect(berlin.stdout).toMatch(/would delete 1 of 2 backups/);
});

test('a key that cannot be deleted is named, and prune fails', async () => {
  for (const day of DAYS) await make.complete(day);
  bed.server.faults.push({
    operation: 'DeleteObjectsEntry',
    key: /20260102000000\.sql$/,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const { status, stderr } = await bed.run(['prune', '--yes'], { MAX_BACKUPS: '2' });
  expect(status).toBe(1);
  expect(stderr).toContain(
    'cannot delete backup/postgres-backup-20260102000000.sql from bucket topobank-assets: AccessDenied — the key needs s3:DeleteObject',
  );
  expect((await list()).map(({ id, state }) => `${id} ${state}`)).toEqual([
    '20260105000000 complete',
    '20260104000000 complete',
    '20260102000000 complete',
  ]);
});

test('a backup after which nothing can be deleted is made, told, and a failure', async () => {
  await make.foreign('2026-01-01', 10);
  bed.server.faults.push({
    operation: 'DeleteObjects',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const { status, stdout, stderr } = await bed.run(['backup', '--json'], { MAX_BACKUPS: '1' });
  expect(status).toBe(1);
  const made = JSON.parse(stdout) as { id: string; pruned: null };
  expect(made.pruned).toBeNull();
  expect(stderr).toMatch(
    /cannot delete backup\/postgres-backup-20260101000000\.sql from bucket topobank-assets/,
  );
  expect((await list())[0]).toMatchObject({ id: made.id, state: 'complete' });
});

test('a backup that has shrunk deletes nothing, and everything says so', async () => {
  const first = JSON.parse((await bed.run(['backup', '--json'])).stdout) as { id: string };
  await make.foreign('2026-01-01', 10);
  await bed.database.query('DELETE FROM surface WHERE id > 100');
  const second = await bed.run(['backup', '--json'], { MAX_BACKUPS: '1' });
  expect(second.status).toBe(0);
  const made = JSON.parse(second.stdout) as { id: string };
  expect(made).toMatchObject({ pruned: [], shrunk: { id: made.id, previous: { id: first.id } } });
  const said = new RegExp(
    `backup ${made.id} shrank to .* in ${first.id}, so nothing is pruned \\(SHRINK_GUARD=0\\.5\\); .* \`topobank-backup prune --database ${bed.database.name} --shrink-guard 0\`, which prunes once`,
  );
  expect(second.stderr).toMatch(said);

  const listed = await list();
  expect(listed.map(({ shrunk }) => shrunk?.previous.id)).toEqual([first.id, undefined, undefined]);
  expect((await bed.run(['list'])).stdout).toMatch(said);
  const health = await bed.run(['health']);
  expect(health.status).toBe(0);
  expect(health.stdout).toMatch(said);
  const prune = await bed.run(['prune', '--yes'], { MAX_BACKUPS: '1' });
  expect(prune.status).toBe(0);
  expect(prune.stdout).toMatch(said);
  expect(await list()).toHaveLength(3);

  const third = await bed.run(['backup', '--json'], { MAX_BACKUPS: '1' });
  const last = JSON.parse(third.stdout) as { id: string };
  const spared = new RegExp(
    `backup ${first.id} is not pruned, because backup ${last.id} has .* \\(SHRINK_GUARD=0\\.5\\); .* \`topobank-backup prune --database ${bed.database.name} --shrink-guard 0\``,
  );
  expect(third.stderr).toMatch(spared);
  expect((await list()).map(({ id }) => id)).toEqual([last.id, first.id]);
  const fourth = await bed.run(['backup', '--json'], { MAX_BACKUPS: '2' });
  expect((await bed.run(['list'])).stdout).toContain(`backup ${first.id} is not pruned, because`);
  const kept = await bed.run(['prune', '--yes'], { MAX_BACKUPS: '2' });
  expect(kept.stdout).toMatch(
    /\nnothing to delete: the rules keep every backup .*, 3 in total\nbackup \d{14} is not pruned, because/,
  );

  const released = await bed.run(['prune', '--yes', '--shrink-guard', '0'], { MAX_BACKUPS: '2' });
  expect(released.status).toBe(0);
  const { id } = JSON.parse(fourth.stdout) as { id: string };
  expect((await list()).map((backup) => backup.id)).toEqual([id, last.id]);
});

test('the command that a shrunk backup is told with prunes once, and leaves the guard on', async () => {
  const rules = { MAX_BACKUPS: '2' };
  const backUp = async (): Promise<{ id: string; shrunk: unknown }> =>
    JSON.parse((await bed.run(['backup', '--json', '--quiet'], rules)).stdout);
  const ids = async () => (await list()).map(({ id }) => id);
  /** Runs what the text tells to run. */
  const follow = async (text: string) => {
    const command = /`topobank-backup (.*?)`/.exec(text)?.[1]?.split(' ');
    expect(await bed.run([...command!, '--yes'], rules)).toMatchObject({ status: 0 });
  };
  await bed.database.query('TRUNCATE surface; INSERT INTO surface SELECT generate_series(1, 20000)');
  await make.foreign('2026-01-01', 10);
  const large = await backUp();
  await make.foreign('2026-01-02', 10);
  await bed.database.query('DELETE FROM surface WHERE id > 100');
  const small = await backUp();
  expect(small).toMatchObject({ shrunk: { id: small.id } });
  expect(await ids()).toHaveLength(4);
  await follow((await bed.run(['health'])).stdout);
  // A rule keeps the larger one, so it is there and told of still.
  expect(await ids()).toEqual([small.id, large.id]);
  expect((await bed.run(['list'])).stdout).toContain(`backup ${small.id} shrank to `);

  const next = await backUp();
  expect(next).toMatchObject({ shrunk: null });
  expect(await ids()).toEqual([next.id, small.id, large.id]);
  const { stdout } = await bed.run(['list']);
  expect(stdout).toContain(`backup ${large.id} is not pruned, because`);
  await follow(stdout);
  expect(await ids()).toEqual([next.id, small.id]);
});

test('rules that cannot be read are told together, and nothing is done', async () => {
  const { status, stderr } = await bed.run(['backup'], {
    MAX_BACKUPS: '-1',
    KEEP_WITHIN: '30',
    LOCK_WAIT: 'ten',
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(/MAX_BACKUPS: "-1" is not accepted, expected a number, 0 to 100000; 0 keeps all/);
  expect(stderr).toMatch(/KEEP_WITHIN: "30" is not accepted, expected a span such as 30d/);
  expect(stderr).toMatch(/LOCK_WAIT: "ten" is not accepted, expected a duration such as 90s/);
  expect(await bed.keys()).toEqual([]);
});
