import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import { startS3Relay } from '../support/s3-relay.ts';
import type { S3Server } from '../support/s3-server/server.ts';
import { startTestStore, storeSettings, type TestStore } from '../support/test-store.ts';

const signal = AbortSignal.timeout(60_000);
const contentType = 'text/plain';

let direct: TestStore;
let relay: S3Server;
/** The same bucket, behind a proxy that marks every ETag as weak. */
let store: ReturnType<typeof openStore>;

beforeAll(async () => {
  direct = await startTestStore();
  relay = await startS3Relay(direct.server, (name, value) => (name === 'etag' ? `W/${value}` : value));
  store = openStore(storeSettings(relay, direct.store.bucket));
});

afterAll(async () => {
  store.close();
  await relay.close();
  await direct.close();
});

test('what is written in parts is completed', async () => {
  const writer = await openMultipartWriter(store, 'parts', {
    contentType,
    maxParts: 10_000,
    partsInFlight: 2,
    signal,
  });
  await writer.write(Buffer.from('in parts'));
  await writer.complete();
  expect(await store.head('parts', signal)).toEqual(await direct.store.head('parts', signal));
});

test('an object is copied, and overwritten, only as the one that it was', async () => {
  await store.put('first', Buffer.from('1'), { ifAbsent: true, contentType, signal });
  const { etag } = (await store.head('first', signal))!;
  expect(await store.copy({ key: 'first', etag }, 'copy', signal)).toBe(true);
  await store.put('first', Buffer.from('2'), { ifAbsent: false, ifMatch: etag, contentType, signal });
  expect(await store.copy({ key: 'first', etag }, 'copy', signal)).toBe(false);
});
