import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { COPIES } from '../../src/quarantine/move-object.ts';
import { MOST_IN_A_ROW } from '../../src/quarantine/object-failures.ts';
import { createQuarantineBed, type QuarantineBed } from '../quarantine/quarantine-bed.ts';
import { during } from '../support/during.ts';
import { keepVersions } from '../support/keep-versions.ts';

const never = new AbortController().signal;
const KEPT = ['media/albums/7/x', 'media/kept'];
let bed: QuarantineBed;

beforeEach(async () => {
  bed = await createQuarantineBed(inject('postgres'));
  await bed.database.query(`INSERT INTO files VALUES (2, 'never')`);
});

afterEach(() => bed.close());

async function document(args: readonly string[]): Promise<{ status: number | null; told: object }> {
  const { status, stdout, stderr } = await bed.command([...args, '--json']);
  if (stdout === '') throw new Error(stderr);
  return { status, told: JSON.parse(stdout) as object };
}

test('what the server takes for no key keeps nothing else from coming back', async () => {
  const long = 'x'.repeat(1010);
  await bed.database.query(`INSERT INTO files VALUES (3, 'no//key'), (4, '${long}')`);
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query("DELETE FROM files WHERE key = 'kept'");
  const elsewhere = { S3_PREFIX: 'other/' };
  expect(
    await bed.command(['audit-orphans', '--quarantine', '--yes', '--json'], {}, elsewhere),
  ).toMatchObject({ stderr: '' });
  await bed.store.copy({ key: 'media/albums/7/x' }, 'quarantine/20200101000000/media/albums/7/x', never);
  await bed.store.remove(['media/albums/7/x'], never);
  bed.server.faults.push(
    { operation: 'HeadObject', key: /no\/\/key/, what: { kind: 'error', status: 400, code: 'InvalidURI' } },
    {
      operation: 'HeadObject',
      key: /x{1000}/,
      what: { kind: 'error', status: 400, code: 'KeyTooLongError' },
    },
    { operation: 'HeadObject', key: /never$/, what: { kind: 'error', status: 500, code: 'InternalError' } },
    { operation: 'CopyObject', key: /x$/, what: { kind: 'error', status: 403, code: 'InvalidObjectState' } },
  );
  expect(await document(['media', 'restore', 'latest'])).toMatchObject({
    status: 3,
    told: {
      restored: { count: 1 },
      findings: [
        { kind: 'lost', key: 'media/albums/7/x', reason: 'the server failed for it: 403 InvalidObjectState' },
        // It may be in quarantine.
        { kind: 'lost', key: 'media/never', bytes: null, reason: 'the server failed for it: HTTP 500' },
        { kind: 'never there', key: 'media/no//key' },
        { kind: 'never there', key: `media/${long}` },
      ],
      totals: { lost: 2, 'never there': 2 },
    },
  });
  expect((await bed.places()).media).toContain('media/kept');
});

test('check tells what is missing and what is another than it was', async () => {
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  expect(await document(['media', 'check', 'latest'])).toMatchObject({
    status: 0,
    told: { findings: [{ kind: 'never there', key: 'media/never' }] },
  });
  await bed.put('media/kept', 'other');
  await bed.store.remove(['media/albums/7/x'], never);
  const { status, told } = await document(['media', 'check', 'latest']);
  expect(status).toBe(3);
  expect(told).toMatchObject({
    findings: [
      { kind: 'missing', key: 'media/albums/7/x', recorded: 28 },
      { kind: 'changed', key: 'media/kept', recorded: 22, present: 5 },
      { kind: 'never there', key: 'media/never' },
    ],
    totals: { missing: 1, changed: 1, untold: 0, 'never there': 1 },
  });
  expect(await document(['media', 'restore', 'latest'])).toMatchObject({
    status: 3,
    told: {
      restored: { count: 0 },
      findings: [
        { kind: 'changed', key: 'media/kept', recorded: 22, present: 5 },
        {
          kind: 'lost',
          key: 'media/albums/7/x',
          bytes: 28,
          reason: expect.stringMatching(/no version of it/),
        },
        { kind: 'never there', key: 'media/never' },
      ],
      totals: { lost: 1, changed: 1, untold: 0, 'never there': 1 },
    },
  });
  const text = await bed.command(['media', 'restore', 'latest']);
  expect(text.stdout).toMatch(
    /\nnot restored: .*\nchanged since, left as is: media\/kept\nalready missing .*: 1\n/,
  );
});

test('a name cannot command the terminal', async () => {
  const key = 'a\u009b2J\nb';
  await bed.database.query('INSERT INTO files VALUES (3, $1)', [key]);
  await bed.put(`media/${key}`);
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove([`media/${key}`], never);
  const checked = await bed.command(['media', 'check', 'latest']);
  expect(checked.stdout).toMatch(/^missing: media\/a\\x9b2J\\x0ab\n/);
  const restored = await bed.command(['media', 'restore', 'latest']);
  expect(restored.stdout).toMatch(/\nnot restored: media\/a\\x9b2J\\x0ab: /);
});

test('what is missing comes back from the quarantine, whose copy is gone then', async () => {
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM files; DELETE FROM albums');
  const lists = (await bed.keys()).filter((key) => key.startsWith('backup/'));
  const id = /\d{14}/.exec(lists[0]!)![0];
  // The backup lies elsewhere while the orphans go, as one that is fetched back later.
  const run = await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, { S3_PREFIX: 'other/' });
  expect(run).toMatchObject({ status: 0 });
  expect((await bed.places()).quarantine).toEqual(expect.arrayContaining(KEPT));
  const tried = await document(['media', 'restore', id, '--dry-run']);
  expect(tried).toMatchObject({ status: 0, told: { dryRun: true, restored: { count: 2 } } });
  expect((await bed.places()).media).toEqual([]);
  const done = await document(['media', 'restore', id]);
  expect(done).toMatchObject({ status: 0, told: { restored: { count: 2, bytes: 50 }, totals: { lost: 0 } } });
  expect(await bed.places()).toEqual({
    media: KEPT,
    quarantine: ['media/a b+ü', 'media/orphan', 'media/x/1'],
  });
});

test.each([
  { operation: 'DeleteObjectsEntry', status: 403, code: 'AccessDenied' },
  { operation: 'DeleteObjects', status: 500, code: 'InternalError' },
])(
  'media come back though their copies cannot be deleted from quarantine ($operation: $code)',
  async (fault) => {
    expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
    await bed.database.query('DELETE FROM files; DELETE FROM albums');
    await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, { S3_PREFIX: 'other/' });
    const { operation, status, code } = fault;
    bed.server.faults.push({ operation, what: { kind: 'error', status, code } });
    const { stderr, ...restored } = await bed.command(['media', 'restore', 'latest', '--json']);
    expect({ status: restored.status, told: JSON.parse(restored.stdout) as object }).toMatchObject({
      status: 0,
      told: { restored: { count: 2 }, totals: { lost: 0 } },
    });
    expect(stderr).toMatch(/restored, but still in quarantine too: 2 objects; cannot delete quarantine/);
    const { media, quarantine } = await bed.places();
    expect(media).toEqual(KEPT);
    expect(quarantine).toEqual(expect.arrayContaining(KEPT));
  },
);

test('where the server fails over every copy that is to be deleted, few are tried', async () => {
  const keys = Array.from({ length: 60 }, (_, at) => `f${at}`);
  for (const key of keys) await bed.put(`media/${key}`);
  await bed.database.query(`INSERT INTO files SELECT 100 + at, 'f' || at FROM generate_series(0, 59) AS at`);
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM files; DELETE FROM albums');
  await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, { S3_PREFIX: 'other/' });
  const before = bed.server.requests.length;
  const what = { kind: 'error', status: 409, code: 'OperationAborted' } as const;
  bed.server.faults.push({ operation: 'DeleteObjects', what });
  const { status, stderr } = await bed.command(['media', 'restore', 'latest']);
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/still in quarantine too: 62 objects; .* OperationAborted/),
  });
  expect((await bed.places()).media).toHaveLength(62);
  const tries = bed.server.requests.slice(before).filter(({ operation }) => operation === 'DeleteObjects');
  expect(tries.length).toBeLessThan(MOST_IN_A_ROW + COPIES);
});

test('a restore that is cut off tells how far it has come', async () => {
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM files; DELETE FROM albums');
  await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, { S3_PREFIX: 'other/' });
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'CopyObject', key: /kept$/, what });
  const told = /WARN: (at least 1 object \(28 B\)|perhaps some objects) of backup \d+ are back in place; /;

  const cut = await bed.command(['media', 'restore', 'latest']);
  expect(cut).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(told) });
  expect((await bed.places()).media).toEqual(['media/albums/7/x']);

  bed.server.faults.push({ operation: 'ListObjectsV2', what });
  const notBegun = await bed.command(['media', 'restore', 'latest']);
  expect(notBegun).toMatchObject({ status: 1, stdout: '', stderr: expect.not.stringMatching(told) });
});

test('what was missing when the backup was taken, and lies in quarantine, is named with its command', async () => {
  await bed.command(['audit-orphans', '--quarantine', '--yes']);
  await bed.database.query(`INSERT INTO files VALUES (3, 'orphan')`);
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  const [{ run } = { run: '' }] = await bed.runs();
  const command = `quarantine restore ${run} --key media/orphan`;
  // Checking does not look into the quarantine, but says what does.
  const dryRun = ['media', 'restore', /\d{14}/.exec((await bed.command(['list'])).stdout)![0], '--dry-run'];
  expect(await bed.command(['media', 'check', 'latest'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(`\`topobank-backup ${dryRun.join(' ')}\`\n`),
  });
  expect(await bed.command(dryRun)).toMatchObject({ status: 3 });
  expect(await document(['media', 'restore', 'latest'])).toMatchObject({
    status: 3,
    told: {
      restored: { count: 0 },
      findings: [
        { kind: 'never there', key: 'media/never' },
        {
          kind: 'lost',
          key: 'media/orphan',
          reason: `it was already missing when the backup was taken, but quarantine has an object with its key; \`topobank-backup ${command}\` restores it`,
        },
      ],
      totals: { lost: 1, 'never there': 1 },
    },
  });
  expect(await bed.command(command.split(' '))).toMatchObject({ status: 0 });
  expect(await document(['media', 'restore', 'latest'])).toMatchObject({
    status: 0,
    told: { totals: { lost: 0, 'never there': 1 } },
  });
});

test('in a bucket that keeps versions the recorded one comes back, with what describes it', async () => {
  await keepVersions(bed);
  await bed.put('media/kept', 'as it was');
  const before = await bed.describe('media/kept');
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.put('media/kept', 'written over');
  await bed.store.remove(['media/kept'], never);
  expect(await document(['media', 'restore', 'latest'])).toMatchObject({
    status: 0,
    told: { restored: { count: 1, bytes: 9 }, totals: { lost: 0, changed: 0 } },
  });
  const { ContentType, Metadata } = before;
  expect(await bed.describe('media/kept')).toMatchObject({ ContentType, Metadata });
});

test('in a bucket that no longer keeps versions, one that is still there comes back', async () => {
  await keepVersions(bed);
  await bed.put('media/kept', 'as it was');
  await keepVersions(bed, 'Suspended');
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove(['media/kept'], never);
  expect(await document(['media', 'restore', 'latest'])).toMatchObject({
    status: 0,
    told: { restored: { count: 1, bytes: 9 }, totals: { lost: 0, changed: 0 } },
  });
});

test('an object that comes to the place of a missing one meanwhile is not replaced by its version', async () => {
  await keepVersions(bed);
  await bed.put('media/kept', 'as it was');
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove(['media/kept'], never);
  // The version is looked up when the bucket has been listed.
  during(bed, { operation: 'HeadObject', key: /^media\/kept$/ }, () =>
    bed.put('media/kept', 'written meanwhile'),
  );
  expect(await document(['media', 'restore', 'latest'])).toMatchObject({
    status: 3,
    told: {
      restored: { count: 0 },
      findings: expect.arrayContaining([
        { kind: 'lost', key: 'media/kept', bytes: 9, reason: 'another object has its key' },
      ]),
      totals: { lost: 1 },
    },
  });
  expect(await bed.store.head('media/kept', never)).toMatchObject({ bytes: 'written meanwhile'.length });
});

test('a backup that is deleted meanwhile is told as deleted, not as one without a list', async () => {
  const key = 'backup/postgres-backup-20200101000000.sql';
  await bed.put(key);
  during(bed, { operation: 'HeadObject', key: /20200101000000\.sql$/ }, () => bed.store.remove([key], never));
  expect(await bed.command(['media', 'check', 'latest'])).toMatchObject({
    status: 4,
    stderr: expect.stringMatching(/ backup 20200101000000: it was deleted in the meantime — run `.* list`/),
  });
});

test.each([
  [['media', 'burn', 'latest'], 2, /"burn" is not accepted — use `media check ID`/],
  [['media', 'check', 'x'], 2, /: ID: "x" is not accepted/],
  [['media', 'check', 'latest', '--references', 'x'], 2, /unknown option '--references'/],
  [['media', 'check', '20200101000000'], 4, /there is no such backup under/],
  [['media', 'check', 'latest'], 4, /has no list of them — read its dump instead: .* --backup \d+/],
])('%j is refused', async (args, status, message) => {
  expect(await bed.command(['backup'], {}, { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  expect(await bed.command(args)).toMatchObject({ status, stderr: expect.stringMatching(message) });
});

test('of many missing objects the first are named, and the whole list is JSON', async () => {
  const keys = Array.from({ length: 30 }, (_, at) => `m${String(at).padStart(2, '0')}`);
  for (const [at, key] of keys.entries()) {
    await bed.database.query('INSERT INTO files VALUES ($1, $2)', [100 + at, key]);
    await bed.put(`media/${key}`);
  }
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove(
    keys.map((key) => `media/${key}`),
    never,
  );
  const { stdout } = await bed.command(['media', 'check', 'latest']);
  expect(stdout.match(/^missing: /gm)).toHaveLength(20);
  const [, command = ''] = /^and 10 more missing: `topobank-backup (.*)` lists them all$/m.exec(stdout) ?? [];
  const told = JSON.parse((await bed.command(command.split(' '))).stdout) as { findings: object[] };
  expect(told).toMatchObject({ totals: { missing: 30 } });
  expect(told.findings).toMatchObject([
    ...keys.map((key) => ({ kind: 'missing', key: `media/${key}` })),
    { kind: 'never there', key: 'media/never' },
  ]);

  const restore = await bed.command(['restore', '--latest', '--yes', '--no-audit', '--with-media']);
  expect(restore.stdout.match(/^not restored: /gm)).toHaveLength(20);
  const [, listing = ''] =
    /^and 10 more not restored: `topobank-backup (.*)` lists them all$/m.exec(restore.stdout) ?? [];
  expect(JSON.parse((await bed.command(listing.split(' '))).stdout)).toMatchObject({
    findings: [...keys.map((key) => ({ kind: 'lost', key: `media/${key}` })), { kind: 'never there' }],
  });
});
