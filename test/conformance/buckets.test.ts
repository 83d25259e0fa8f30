import { DeleteBucketCommand, HeadBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerOf } from '../../src/s3/errors.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { storeSettings } from '../support/test-store.ts';
import { createTestBucket, inTime, type TestBucket } from './bucket.ts';

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('', { signal: inTime() })) keys.push(key);
  return keys;
}

test('a bucket that is missing is created, and found from then on', async () => {
  const name = `${bucket.name}-2`;
  const store = openStore(storeSettings(bucket.server, name));
  await expect(keysOf(store)).rejects.toThrow(/404 NoSuchBucket/);
  expect(await store.ensureBucket(inTime())).toBe('created');
  expect(await store.ensureBucket(inTime())).toBe('exists');
  const { Buckets } = await bucket.client.send(new ListBucketsCommand({}));
  expect(Buckets?.map(({ Name }) => Name)).toContain(name);
  await bucket.client.send(new DeleteBucketCommand({ Bucket: name }));
  const head = bucket.client.send(new HeadBucketCommand({ Bucket: name }));
  expect(answerOf(await head.catch((error: unknown) => error))).toMatchObject({ status: 404 });
  store.close();
});

test('a bucket that holds an object is not deleted', async () => {
  const put = { ifAbsent: false, contentType: 'text/plain', signal: inTime() };
  await bucket.store.put('kept', Buffer.from('kept'), put);
  const deletion = bucket.client.send(new DeleteBucketCommand({ Bucket: bucket.name }));
  expect(answerOf(await deletion.catch((error: unknown) => error))).toEqual({
    status: 409,
    code: 'BucketNotEmpty',
  });
  expect(await bucket.store.head('kept', inTime())).toMatchObject({ bytes: 4 });
});
