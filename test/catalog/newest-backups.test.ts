import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { listBackups, newestBackups } from '../../src/catalog/catalog.ts';
import { chooseBackup } from '../../src/catalog/choose-backup.ts';
import { deferred } from '../support/deferred.ts';
import { makeBackups } from '../support/stored-backups.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
const MANIFEST = 'backup/postgres-backup-20261122000000.manifest.json';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

const catalog = () => ({ store: bed.store, prefix: 'backup/' });

beforeEach(async () => {
  await bed.store.remove(await bed.keys(), signal);
  const make = makeBackups(bed.store);
  for (const day of ['2026-11-24', '2026-11-23', '2026-11-22']) await make.complete(day);
  bed.server.requests.length = 0;
});

afterAll(() => bed.close());

const readKeys = () =>
  bed.server.requests.filter(({ operation }) => operation === 'GetObject').map(({ key }) => key);

test('a manifest is read when its backup is asked for', async () => {
  for await (const { id } of newestBackups(catalog(), signal)) {
    if (id === '20261123000000') break;
  }
  expect(readKeys()).toEqual([
    'backup/postgres-backup-20261124000000.manifest.json',
    'backup/postgres-backup-20261123000000.manifest.json',
  ]);
});

test('the latest is found with one manifest', async () => {
  const latest = await chooseBackup(catalog(), { by: 'latest' }, { now: new Date(), signal });
  expect(latest.id).toBe('20261124000000');
  expect(readKeys()).toEqual(['backup/postgres-backup-20261124000000.manifest.json']);
});

test('a backup that is deleted while the list is made is not in it', async () => {
  const reading = deferred<void>();
  const deleted = deferred<void>();
  bed.server.faults.push({
    operation: 'GetObject',
    key: /20261122000000/,
    times: 1,
    what: { kind: 'hold', until: deleted.promise, onHeld: () => reading.resolve() },
  });
  const listing = listBackups(catalog(), signal);
  await reading.promise;
  await bed.store.remove(['backup/postgres-backup-20261122000000.sql', MANIFEST], signal);
  deleted.resolve();
  expect((await listing).map(({ id }) => id)).toEqual(['20261124000000', '20261123000000']);
});
