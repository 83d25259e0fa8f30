import { GetObjectTaggingCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect } from 'vitest';
import { createTestBucket, inTime, type TestBucket } from './bucket.ts';
import { feature } from './features.ts';

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

feature('tags of objects', async () => {
  await bucket.store.put('tagged', Buffer.from('x'), {
    ifAbsent: false,
    contentType: 'text/plain',
    signal: inTime(),
  });
  const at = { Bucket: bucket.name, Key: 'tagged' };
  const TagSet = [{ Key: 'kind', Value: 'a b' }];
  await bucket.client.send(new PutObjectTaggingCommand({ ...at, Tagging: { TagSet } }));
  expect(await bucket.client.send(new GetObjectTaggingCommand(at))).toMatchObject({ TagSet });
});
