import pLimit from 'p-limit';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { carryOutPrune, type PruneContext, planPrune, removals } from '../../src/backup/prune-backups.ts';
import { listBackups } from '../../src/catalog/catalog.ts';
import { StoreError } from '../../src/errors.ts';
import { collect, readObject } from '../../src/s3/reader.ts';
import { type BackupMaker, makeBackups } from '../support/stored-backups.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

const NOW = new Date('2026-11-30T00:00:00Z');
const signal = new AbortController().signal;

let bed: TestBed;
let make: BackupMaker;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  make = makeBackups(bed.store);
});

afterAll(() => bed.close());

beforeEach(async () => {
  bed.server.faults.length = 0;
  await bed.store.remove(await bed.keys(), signal);
});

/** Keeps the newest two. */
function context(given: Partial<PruneContext> = {}): PruneContext & { readonly lines: string[] } {
  return {
    store: { ...bed.store, now: () => NOW },
    prefix: 'backup/',
    own: 'topobank',
    rules: { newest: 2, perUnit: { day: 0, week: 0, month: 0, year: 0 }, within: undefined },
    zone: 'UTC',
    shrinkGuard: 0.5,
    now: () => NOW,
    ...keepingLog(),
    ...given,
  };
}

/** @returns ids of what was deleted */
async function prune(given: PruneContext = context()): Promise<string[]> {
  const plan = await planPrune(given, signal);
  await carryOutPrune(given, plan, signal);
  return removals(plan).map(({ id }) => id);
}

async function states(): Promise<string[]> {
  const backups = await listBackups({ store: bed.store, prefix: 'backup/' }, signal);
  return backups.map(({ id, state }) => `${id} ${state}`);
}

const deletions = () => bed.server.requests.filter(({ operation }) => operation === 'DeleteObjects').length;

test.each([
  ['shorter', (body: Buffer) => body.subarray(0, body.length / 2)],
  [
    'with another size of the dump',
    (body: Buffer) => Buffer.from(String(body).replace(/("storedBytes":)\d/, '$19')),
  ],
])('a manifest that comes %s by accident does not make its backup a broken one that goes', async (_, to) => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-08-22']) await make.complete(day);
  bed.server.faults.push({ operation: 'GetObject', key: /20260822/, times: 1, what: { kind: 'alter', to } });
  const perUnit = { day: 0, week: 0, month: 12, year: 0 };
  expect(await prune(context({ rules: { newest: 2, perUnit, within: undefined } }))).toEqual([]);
  expect((await states()).filter((state) => state.endsWith(' complete'))).toHaveLength(3);
});

test('a backup whose manifest comes as another one each time stays, and the others go', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-08-22', '2026-08-21']) await make.complete(day);
  let count = 0;
  const to = (body: Buffer) =>
    Buffer.from(String(body).replace(/("storedBytes":)\d/, `$1${2 + (count++ % 8)}`));
  bed.server.faults.push({ operation: 'GetObject', key: /20260822/, what: { kind: 'alter', to } });
  expect(await prune()).toEqual(['20260821000000']);
});

test('a backup whose dump a listing does not show yet is whole, and stays', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-08-22']) await make.complete(day);
  const to = (body: Buffer) =>
    Buffer.from(String(body).replace(/<Contents><Key>[^<]*20260822000000\.sql<.*?<\/Contents>/, ''));
  bed.server.faults.push({ operation: 'ListObjectsV2', what: { kind: 'alter', to } });
  const perUnit = { day: 0, week: 0, month: 12, year: 0 };
  expect(await prune(context({ rules: { newest: 2, perUnit, within: undefined } }))).toEqual([]);
  expect(await states()).toEqual(
    ['20261124000000', '20261123000000', '20260822000000'].map((id) => `${id} complete`),
  );
  // A key that may list only under its own prefixes is told nothing about a dump that is gone.
  bed.server.faults.push({
    operation: 'HeadObject',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  expect((await states()).at(-1)).toBe('20260822000000 broken');
});

test.each([
  'postgres-backup-20261123000000.sql',
  'postgres-backup-20260822000000.manifest.json',
  'notes.txt',
])('a manifest that names %s as its dump takes nothing with it', async (name) => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-08-22']) await make.complete(day);
  await make.object('backup/notes.txt');
  const [, , oldest] = await listBackups({ store: bed.store, prefix: 'backup/' }, signal);
  const { key: manifest } = oldest!.companions.at(-1)!;
  const [body] = await collect(readObject(bed.store, manifest, { signal }));
  const misleading = Buffer.from(String(body).replace('postgres-backup-20260822000000.sql', name));
  await bed.store.put(manifest, misleading, { ifAbsent: false, contentType: 'application/json', signal });
  await bed.store.remove([oldest!.dump!.key], signal);
  expect((await states()).at(-1)).toBe('20260822000000 broken');
  expect(await prune()).toEqual(['20260822000000']);
  expect((await states()).filter((state) => state.endsWith(' complete'))).toHaveLength(2);
  expect(await bed.keys()).toContain('backup/notes.txt');
});

test('a backup whose manifest is in an archive stays, and keeps no other from going', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-08-22', '2026-08-21']) await make.complete(day);
  const what = { kind: 'error', status: 403, code: 'InvalidObjectState' } as const;
  bed.server.faults.push({ operation: 'GetObject', key: /20260822.*manifest/, what });
  expect(await prune()).toEqual(['20260821000000']);
  const [, , archived] = await listBackups({ store: bed.store, prefix: 'backup/' }, signal);
  expect(archived).toMatchObject({
    id: '20260822000000',
    state: 'broken',
    fault:
      'its manifest backup/postgres-backup-20260822000000.manifest.json is in an archive; retrieve it (S3 RestoreObject) to use this backup',
  });
});

test('whole backups go, with their media, and nothing else', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22']) {
    await make.complete(day);
    await make.media(day);
  }
  await make.foreign('2026-11-21');
  await make.foreign('2026-11-20', 1000, '.gz');
  const others = [
    'backup/notes.txt',
    'backup/postgres-backup-20261101.sql',
    'backup/postgres-backup-20261101000000.sql.bak',
    'backup/postgres-backup-20261301000000.sql',
    'backup/old/postgres-backup-20261101000000.sql',
    'media/postgres-backup-20261101000000.sql',
  ];
  for (const key of others) await make.object(key);

  expect(await prune()).toEqual(['20261122000000', '20261121000000', '20261120000000']);
  const kept = ['20261123000000', '20261124000000'].flatMap((id) =>
    ['manifest.json', 'media.ndjson.gz', 'sql'].map((end) => `backup/postgres-backup-${id}.${end}`),
  );
  expect(await bed.keys()).toEqual([...kept, ...others].sort());
});

test('a second run deletes nothing, and asks for nothing to be deleted', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22']) await make.complete(day);
  expect(await prune()).toHaveLength(1);
  const before = deletions();
  expect(await prune()).toEqual([]);
  expect(deletions()).toBe(before);
});

test('a dump that the server refuses to delete stays a complete backup, and keeps no other from going', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21']) await make.complete(day);
  await make.media('2026-11-22');
  bed.server.faults.push({
    operation: 'DeleteObjectsEntry',
    key: /20261122000000\.sql$/,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const error = await prune().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StoreError);
  expect(String(error)).toContain(
    'cannot delete backup/postgres-backup-20261122000000.sql from bucket topobank-assets: AccessDenied — ',
  );
  expect(await states()).toEqual([
    '20261124000000 complete',
    '20261123000000 complete',
    '20261122000000 complete',
  ]);
  expect(await bed.keys()).toContain('backup/postgres-backup-20261122000000.media.ndjson.gz');
});

test.each(['manifest\\.json', 'media\\.ndjson\\.gz'])(
  'where %s is refused, what is left lists as broken, and the next prune finishes it',
  async (end) => {
    for (const day of ['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21']) {
      await make.complete(day);
      await make.media(day);
    }
    bed.server.faults.push({
      operation: 'DeleteObjectsEntry',
      key: new RegExp(`20261122000000\\.${end}$`),
      what: { kind: 'error', status: 403, code: 'AccessDenied' },
    });
    await expect(prune()).rejects.toThrow(/cannot delete backup\/postgres-backup-20261122000000\.m/);
    expect(await states()).toEqual([
      '20261124000000 complete',
      '20261123000000 complete',
      '20261122000000 broken',
    ]);

    bed.server.faults.length = 0;
    expect(await prune()).toEqual(['20261122000000']);
    expect((await bed.keys()).filter((key) => key.includes('20261122'))).toEqual([]);
  },
);

test('a run that is cut off between dumps and manifests leaves nothing that counts', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21']) await make.complete(day);
  bed.server.faults.push({
    operation: 'DeleteObjects',
    after: 1,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  await expect(prune()).rejects.toThrow(/the key needs s3:DeleteObject/);
  expect(await states()).toEqual([
    '20261124000000 complete',
    '20261123000000 complete',
    '20261122000000 broken',
    '20261121000000 broken',
  ]);
  bed.server.faults.length = 0;
  expect(await prune()).toEqual(['20261122000000', '20261121000000']);
  expect(await states()).toEqual(['20261124000000 complete', '20261123000000 complete']);
});

test('more than a thousand go in requests of at most a thousand', async () => {
  const limit = pLimit(16);
  const dumps = Array.from({ length: 1002 }, (_, second) => {
    const time = new Date(Date.UTC(2026, 10, 1) + second * 1000).toISOString();
    return limit(() => make.foreign(time.slice(0, 19), 1));
  });
  await Promise.all(dumps);
  const given = context({ rules: { ...context().rules, newest: 1 } });
  const before = deletions();
  expect(await prune(given)).toHaveLength(1001);
  expect(deletions() - before).toBe(2);
  expect(await states()).toEqual(['20261101001641 foreign']);
});

test('nothing goes while the newest dump is less than half of the one before', async () => {
  await make.complete('2026-11-24', 499);
  await make.complete('2026-11-23', 1000);
  await make.foreign('2026-11-22', 1000);
  const guarded = context();
  expect(await prune(guarded)).toEqual([]);
  expect(guarded.lines).toEqual([
    expect.stringMatching(
      /^warn: backup 20261124000000 shrank to .* deletes 20261123000000 unless a rule keeps it$/,
    ),
  ]);
  const plan = await planPrune(guarded, signal);
  expect(plan.verdicts.at(-1)).toMatchObject({ action: 'keep', reasons: ['held by SHRINK_GUARD'] });
  expect(await prune(context({ shrinkGuard: 0 }))).toEqual(['20261122000000']);
});

test('a dump of another database that has shrunk holds nothing back, and is told by its own runs alone', async () => {
  const others = makeBackups(bed.store, 'other');
  await others.complete('2026-11-25', 10);
  await others.complete('2026-11-24', 1000);
  for (const day of ['2026-11-23', '2026-11-22', '2026-11-21']) await make.complete(day);
  const given = context();
  expect(await prune(given)).toEqual(['20261121000000']);
  expect(given.lines.filter((line) => !line.startsWith('debug'))).toEqual([
    expect.stringMatching(/^info: pruned 1 backup /),
  ]);
  const theirs = context({ own: 'other' });
  expect(await prune(theirs)).toEqual([]);
  expect(theirs.lines).toEqual([expect.stringMatching(/^warn: backup 20261125000000 shrank to /)]);
});

test('what the server refuses to delete is not called cut off, and what has gone is said', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21']) await make.complete(day);
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'DeleteObjectsEntry', key: /20261122/, what });
  const given = context();
  await expect(prune(given)).rejects.toThrow(/20261122/);
  expect(given.lines.filter((line) => !line.startsWith('debug'))).toEqual([
    expect.stringMatching(/^info: pruned 1 backup \(.*\): 20261121000000$/),
  ]);
});

test('what may have gone is said where it is cut off', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21']) await make.complete(day);
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'DeleteObjects', after: 1, what });
  const given = context();
  await expect(prune(given)).rejects.toThrow(StoreError);
  expect(given.lines).toContain(
    'warn: interrupted while pruning 2 backups (1.95 KiB): 20261121000000 to 20261122000000; a backup that has lost its dump is listed as broken, and the next prune finishes the job',
  );
  expect((await states()).filter((state) => state.endsWith('broken'))).toHaveLength(2);
});

test('nothing is said to be cut off where a key may delete nothing', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21']) await make.complete(day);
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'DeleteObjects', what });
  const given = context();
  await expect(prune(given)).rejects.toThrow(/403 AccessDenied — .*s3:DeleteObject/);
  expect(given.lines.filter((line) => !line.startsWith('debug'))).toEqual([]);
});

test('what went is said', async () => {
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21']) await make.complete(day, 1024);
  const given = context();
  await prune(given);
  expect(given.lines).toContain('info: pruned 2 backups (2 KiB): 20261121000000 to 20261122000000');
});
