import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/s3/s3-store.ts';
import { storeSettings } from '../support/test-store.ts';
import { createTestBucket, inTime, type TestBucket } from './bucket.ts';

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

test.each([
  { wrong: 'secret key', with: { secretKey: 'not-the-secret' }, remedy: /AWS_SECRET_ACCESS_KEY/ },
  { wrong: 'access key', with: { accessKey: 'nobody' }, remedy: /AWS_ACCESS_KEY_ID/ },
])('a wrong $wrong is refused with 403, whatever is asked for', async (given) => {
  const store = openStore(storeSettings({ ...bucket.server, ...given.with }, bucket.name));
  const put = { ifAbsent: false, contentType: 'text/plain', signal: inTime() };
  const list = async () => {
    for await (const _ of store.list('', { signal: inTime() })) break;
  };
  const calls = [
    () => store.ensureBucket(inTime()),
    () => store.put('key', Buffer.from('x'), put),
    () => store.head('key', inTime()),
    () => store.get('key', { signal: inTime() }),
    () => store.createUpload('key', 'text/plain', inTime()),
    () => store.remove(['key'], inTime()),
    list,
  ];
  for (const call of calls) {
    const error = await call().then(
      () => new Error('it was allowed'),
      (reason: unknown) => reason as Error,
    );
    expect(error.message).toMatch(/403/);
    expect(error.message.split(' — ')[1]).toMatch(given.remedy);
  }
  store.close();
  expect(await bucket.store.head('key', inTime())).toBeUndefined();
});
