import { randomBytes } from 'node:crypto';
import { CopyObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerOf } from '../../src/s3/errors.ts';
import { openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import { readObject } from '../../src/s3/reader.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';
import { feature, Shortcoming } from './features.ts';

const DESCRIPTION = { ContentType: 'image/jpeg', Metadata: { surface: '12', zoom: 'a=b' } };

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
  await bucket.client.send(
    new PutObjectCommand({ Bucket: bucket.name, Key: 'source', Body: 'contents', ...DESCRIPTION }),
  );
});

afterAll(() => bucket?.remove());

const copy = (from: string, to: string, more: object = {}) =>
  bucket.client.send(
    new CopyObjectCommand({ Bucket: bucket.name, Key: to, CopySource: `${bucket.name}/${from}`, ...more }),
  );
const head = (key: string) => bucket.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));
const read = (key: string) => bytesOf(readObject(bucket.store, key, { signal: inTime() }));

test('a copy has the bytes, the ETag, the content type and the metadata of its source', async () => {
  await copy('source', 'copy');
  expect(String(await read('copy'))).toBe('contents');
  const source = await head('source');
  expect(await head('copy')).toMatchObject({ ...DESCRIPTION, ETag: source.ETag, ContentLength: 8 });
});

test('a copy outlives its source', async () => {
  await bucket.store.put('short-lived', Buffer.from('kept'), {
    ifAbsent: false,
    contentType: 'text/plain',
    signal: inTime(),
  });
  await copy('short-lived', 'long-lived');
  await bucket.store.remove(['short-lived'], inTime());
  expect(String(await read('long-lived'))).toBe('kept');
});

test('metadata can be replaced in a copy', async () => {
  const replaced = { ContentType: 'text/plain', Metadata: { quarantined: 'yes' } };
  await copy('source', 'replaced', { MetadataDirective: 'REPLACE', ...replaced });
  expect(await head('replaced')).toMatchObject(replaced);
  expect((await head('replaced')).Metadata).toEqual(replaced.Metadata);
  expect(String(await read('replaced'))).toBe('contents');
});

test('an object of several parts is copied whole', async () => {
  const body = randomBytes(9 * 1024 ** 2);
  const options = { contentType: 'application/sql', maxParts: 10_000, partsInFlight: 2, signal: inTime() };
  const writer = await openMultipartWriter(bucket.store, 'parts', options);
  await writer.write(body);
  await writer.complete();
  await copy('parts', 'parts-copy');
  expect(body.equals(await read('parts-copy'))).toBe(true);
  expect(await head('parts-copy')).toMatchObject({
    ContentType: 'application/sql',
    ContentLength: body.length,
  });
});

test('a copy of what is not there is refused', async () => {
  const failed = await copy('missing', 'nothing').catch((error: unknown) => error);
  expect(answerOf(failed)).toEqual({ status: 404, code: 'NoSuchKey' });
});

feature('refusal to copy another object than the expected one', async () => {
  const expected = { CopySourceIfMatch: `"${'f'.repeat(32)}"` };
  const copied = await copy('source', 'unexpected', expected).catch((error: unknown) => error);
  if (!(copied instanceof Error)) throw new Shortcoming('silently accepted');
  expect(answerOf(copied)).toEqual({ status: 412, code: 'PreconditionFailed' });
});
