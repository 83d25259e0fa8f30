import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimFreeId } from '../../src/backup/claim-id.ts';
import { backupId, dumpKey } from '../../src/catalog/backup-name.ts';
import { during } from '../support/during.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const signal = new AbortController().signal;
const NOW = new Date('2026-11-23T10:30:00.250Z');
const WRITERS = 6;

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

const claim = () => claimFreeId({ store: bed.store, prefix: 'backup/' }, NOW, signal);
const idAt = (second: number) => backupId(new Date(NOW.getTime() + second * 1000));

async function uploads(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bed.store.listUploads('backup/', signal)) keys.push(key);
  return keys.sort();
}

test('of runs that begin at the same moment each has an id of its own, and nothing else is left', async () => {
  for (let round = 0; round < 5; round += 1) {
    const claims = await Promise.all(Array.from({ length: WRITERS }, claim));
    const ids = claims.map(({ id }) => id);
    expect(new Set(ids).size).toBe(WRITERS);
    expect(await uploads()).toEqual(ids.map((id) => dumpKey('backup/', id)).sort());
    for (const { upload } of claims) await bed.store.abortUpload(upload, signal);
  }
});

test('the id of a backup, or of one that is being uploaded, is not taken', async () => {
  const put = { ifAbsent: true, contentType: 'application/sql', signal };
  await bed.store.put(dumpKey('backup/', idAt(0)), Buffer.from('x'), put);
  expect((await claim()).id).toBe(idAt(1));
  expect((await claim()).id).toBe(idAt(2));
});

test('an id that another run has used up between the two looks is not taken', async () => {
  const put = { ifAbsent: true, contentType: 'application/sql', signal };
  during(bed, { operation: 'CreateMultipartUpload' }, () =>
    bed.store.put(dumpKey('backup/', idAt(0)), Buffer.from('x'), put),
  );
  expect((await claim()).id).toBe(idAt(1));
  expect(await uploads()).toEqual([dumpKey('backup/', idAt(1))]);
});

test('a key that may not list uploads still looks for backups', async () => {
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'ListMultipartUploads', what });
  const put = { ifAbsent: true, contentType: 'application/sql', signal };
  await bed.store.put(dumpKey('backup/', idAt(0)), Buffer.from('x'), put);
  expect((await claim()).id).toBe(idAt(1));
});

test('a claim that fails leaves no upload', async () => {
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'ListObjectsV2', after: 1, what });
  await expect(claim()).rejects.toThrow(/403 AccessDenied/);
  expect(await uploads()).toEqual([]);
});
