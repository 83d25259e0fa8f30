import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../src/s3/s3-store.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

const inTime = () => AbortSignal.timeout(60_000);

test('a bucket is created once, by however many runs at a time, and whatever answer is lost', async () => {
  bed.server.faults.push({ operation: 'CreateBucket', times: 1, what: { kind: 'drop', when: 'after' } });
  const stores = Array.from({ length: 5 }, () => openStore({ ...bed.settings, bucket: 'other' }));
  const found = await Promise.all(stores.map((store) => store.ensureBucket(inTime())));
  expect(found).toContain('created');
  expect(await stores[0]?.ensureBucket(inTime())).toBe('exists');
  for (const store of stores) store.close();
});

test('a bucket that may not be created is an error that names the right', async () => {
  bed.server.faults.push({
    operation: 'CreateBucket',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const store = openStore({ ...bed.settings, bucket: 'other' });
  await expect(store.ensureBucket(inTime())).rejects.toThrow(
    /^cannot use bucket other .*: 403 AccessDenied — .* the key needs s3:ListBucket and s3:CreateBucket$/,
  );
  store.close();
});
