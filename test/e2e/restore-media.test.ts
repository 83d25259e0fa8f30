import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createQuarantineBed, type QuarantineBed } from '../quarantine/quarantine-bed.ts';
import { during } from '../support/during.ts';
import { createTestBed } from '../support/test-bed.ts';

const never = new AbortController().signal;
let bed: QuarantineBed;

beforeEach(async () => {
  bed = await createQuarantineBed(inject('postgres'));
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
});

afterEach(() => bed.close());

const restore = (args: readonly string[], env = {}) =>
  bed.command(['restore', '--latest', '--yes', '--json', ...args], {}, env);

async function restored(args: readonly string[], env = {}) {
  const { status, stdout, stderr } = await restore(args, env);
  if (stdout === '') throw new Error(stderr);
  return { status, stderr, ...(JSON.parse(stdout) as { media: object }) };
}

test('what would dangle is said before, and what dangles after, and --no-audit says neither', async () => {
  await bed.store.remove(['media/kept'], never);
  const told = await restored([]);
  expect(told).toMatchObject({
    status: 0,
    media: {
      before: { by: 'media manifest', references: 2, dangling: 1 },
      after: { totals: { dangling: { count: 1 }, orphan: { count: 3 } } },
      restored: null,
    },
  });
  expect(told.stderr).toMatch(
    /WARN.*: of 2 media objects that the backup’s rows own, 1 missing: see `media check \d+`\n(.*\n)*.*WARN.*: 1 row of the restored database without a media object, 3 objects/,
  );
  const quiet = await restored(['--no-audit']);
  expect(quiet).toMatchObject({ status: 0, media: { before: null, after: null } });
  expect(quiet.stderr).not.toMatch(/media/);
});

test('of a dump without a manifest it is said how to count its missing media', async () => {
  const companions = (await bed.keys()).filter((key) => /\.(manifest\.json|media\.ndjson\.gz)$/.test(key));
  await bed.store.remove(['media/kept', ...companions], never);
  const told = await restored(['--into', `${bed.database.name}_look`]);
  expect(told).toMatchObject({ status: 0, media: { before: null, after: null } });
  const [, command = ''] = /not counted before the restore: see `(.+)`/.exec(told.stderr) ?? [];
  expect(await bed.command(command.split(' '))).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(/\n1 dangling\n/),
  });
});

test('a dry run says what would dangle and what would come back, and does nothing', async () => {
  await bed.store.remove(['media/kept'], never);
  const before = await bed.keys();
  const told = await restored(['--dry-run', '--with-media']);
  expect(told).toMatchObject({
    status: 0,
    dryRun: true,
    media: {
      before: { dangling: 1 },
      restored: { dryRun: true, findings: [{ kind: 'lost', key: 'media/kept' }], totals: { lost: 1 } },
    },
  });
  expect(await bed.keys()).toEqual(before);
});

test('--with-media brings back what is missing; what is lost makes the status 3', async () => {
  await bed.database.query('DELETE FROM files; DELETE FROM albums');
  // As if the backup had been out of sight when its media were moved away.
  const elsewhere = { S3_PREFIX: 'other/' };
  const moved = await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, elsewhere);
  expect(moved).toMatchObject({ status: 0 });
  const told = await restored(['--with-media']);
  expect(told).toMatchObject({
    status: 0,
    media: { before: { dangling: 2 }, restored: { restored: { count: 2 }, totals: { lost: 0 } } },
  });
  expect(told).toMatchObject({ media: { after: { totals: { dangling: { count: 0 } } } } });
  await bed.store.remove(['media/kept'], never);
  expect(await restored(['--with-media'])).toMatchObject({
    status: 3,
    media: { restored: { findings: [{ kind: 'lost', key: 'media/kept' }] } },
  });
  const why =
    /\nrestored 0 objects \(0 B\) of backup \d+\nnot restored: media\/kept: it is not in quarantine/;
  expect(
    await bed.command(['restore', '--latest', '--yes', '--no-audit', '--with-media', '--quiet']),
  ).toMatchObject({ status: 3, stdout: expect.stringMatching(why), stderr: '' });
});

test('media that cannot be brought back for an error leave the restore done, and it is said so', async () => {
  await bed.database.query('DELETE FROM files');
  const elsewhere = { S3_PREFIX: 'other/' };
  const moved = await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, elsewhere);
  expect(moved).toMatchObject({ status: 0 });
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'CopyObject', what });
  expect(await restore(['--with-media'])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/restored .*\n.*the old database is kept as (.*\n)*.*403 AccessDenied/),
  });
  expect(await bed.database.query('SELECT key FROM files')).toEqual([{ key: 'kept' }]);
});

test('a signal during the closing comparison leaves the restore done, and it is said so', async () => {
  let stop = () => {};
  during(bed, { operation: 'HeadObject', key: /\.sql$/ }, async () => {
    const until = new Promise(() => {});
    bed.server.faults.push({
      operation: 'ListObjectsV2',
      what: { kind: 'hold', until, onHeld: () => stop() },
    });
  });
  const onSpawn = (child: ChildProcess) => {
    stop = () => child.kill('SIGINT');
  };
  expect(await bed.command(['restore', '--latest', '--yes'], { onSpawn })).toMatchObject({
    status: 130,
    stdout: '',
    stderr: expect.stringMatching(/restored .*\n.*the old database is kept as (.*\n)*.*received SIGINT/),
  });
});

test.each<[string, Record<string, string>, RegExp]>([
  [
    'of no known era',
    { AUDIT_REFERENCES: '[{"column": "nowhere.key"}]' },
    /skipping the comparison of rows and media objects: .*no table nowhere/,
  ],
  [
    'a wrong setting',
    { AUDIT_GRACE: 'x' },
    /skipping the comparison of rows and media objects: .*AUDIT_GRACE: "x" is not accepted/,
  ],
])('%s is said in a line, and the restore goes on', async (_name, env, message) => {
  const told = await restored([], env);
  expect(told).toMatchObject({ status: 0, media: { after: null } });
  expect(told.stderr).toMatch(message);
});

test('of a database whose tables own nothing it is said once that nothing is compared', async () => {
  const other = await createTestBed(inject('postgres'));
  try {
    await other.database.query('CREATE TABLE invoice AS SELECT 1 AS id');
    expect(await other.run(['backup'])).toMatchObject({ status: 0 });
    const { status, stderr } = await other.run(['restore', '--latest', '--yes']);
    expect(status).toBe(0);
    const told = stderr.split('\n').filter((line) => /media/.test(line));
    expect(told).toEqual([
      expect.stringMatching(/ INFO.* skipping the comparison .*no known era of TopoBank/),
    ]);
  } finally {
    await other.close();
  }
});

test('a listing that fails is said in a line, and the restore goes on', async () => {
  bed.server.faults.push({
    operation: 'ListObjectsV2',
    after: 1,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const told = await restored([]);
  expect(told).toMatchObject({ status: 0, media: { before: null, after: null } });
  expect(told.stderr).toMatch(/skipping the comparison of rows and media objects: cannot list media\/.*403/);
});

test('--with-media is refused, before anything is done, where there is no list of media', async () => {
  const lists = (await bed.keys()).filter((key) => key.endsWith('.media.ndjson.gz'));
  await bed.store.remove(lists, never);
  const { status, stderr } = await restore(['--with-media']);
  expect({ status, stderr }).toEqual({
    status: 4,
    stderr: expect.stringMatching(/cannot restore with media: backup \d+ has no list/),
  });
});

test.each<[name: string, value: string, message: RegExp]>([
  ['MEDIA_MANIFEST', 'x', /MEDIA_MANIFEST: "x" is not accepted/],
  ['QUARANTINE_PREFIX', 'media/', /media\/ is under QUARANTINE_PREFIX media\//],
])('--with-media is refused, before anything is done, for a wrong %s', async (name, value, message) => {
  const before = await bed.databases();
  expect(await restore(['--with-media'], { [name]: value })).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(message),
  });
  expect(await bed.databases()).toEqual(before);
});
