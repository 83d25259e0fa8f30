import { afterEach, beforeEach, expect, test } from 'vitest';
import { lookElsewhere } from '../../src/catalog/look-elsewhere.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const signal = new AbortController().signal;
const NOTHING = 'check S3_PREFIX and AWS_STORAGE_BUCKET_NAME';

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

async function put(...keys: string[]): Promise<void> {
  for (const key of keys)
    await bed.store.put(key, Buffer.from('x'), { ifAbsent: true, contentType: 'text/plain', signal });
}

const DUMP = 'postgres-backup-20261123103000.sql';

test.each([
  ['beside it', `prod/${DUMP}`, 'backup/'],
  ['above it', `prod/${DUMP}`, 'prod/topobank/'],
  ['below it', `backup/topobank/${DUMP}`, 'backup/'],
  ['beside it, below another', `db/old/${DUMP}`, 'db/topobank/'],
])('backups %s are named', async (_, key, prefix) => {
  await put(key, 'media/topographies/1/raw/scan.opd', DUMP, 'backup/notes.txt');
  expect(await lookElsewhere({ store: bed.store, prefix }, signal)).toBe(
    `set S3_PREFIX to where there are backups: ${key.slice(0, -DUMP.length)}`,
  );
});

test('the first prefixes are named, with few requests', async () => {
  await put(...Array.from({ length: 60 }, (_, at) => `p${at + 10}/${DUMP}`));
  bed.server.requests.length = 0;
  expect(await lookElsewhere({ store: bed.store, prefix: 'backup/' }, signal)).toBe(
    'set S3_PREFIX to where there are backups: p10/, p11/, p12/ and others',
  );
  expect(bed.server.requests.length).toBeLessThan(30);
});

test('none are named where there are none, the key may not list them, or the answer is none that S3 sends', async () => {
  await put('media/x', DUMP);
  expect(await lookElsewhere({ store: bed.store, prefix: 'backup/' }, signal)).toBe(NOTHING);
  await put(`prod/${DUMP}`);
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'ListObjectsV2', what });
  expect(await lookElsewhere({ store: bed.store, prefix: 'backup/' }, signal)).toBe(NOTHING);
  bed.server.faults.length = 0;
  const to = () => Buffer.from('<ListBucketResult><CommonPrefixes></CommonPrefixes></ListBucketResult>');
  bed.server.faults.push({ operation: 'ListObjectsV2', what: { kind: 'alter', to } });
  expect(await lookElsewhere({ store: bed.store, prefix: 'backup/' }, signal)).toBe(NOTHING);
});
