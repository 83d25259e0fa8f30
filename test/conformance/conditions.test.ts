import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerOf } from '../../src/s3/errors.ts';
import { readObject } from '../../src/s3/reader.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';
import { feature, Shortcoming } from './features.ts';

const WRITERS = 16;

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

const putIfAbsent = (key: string, text: string) =>
  bucket.store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'text/plain', signal: inTime() });
const textOf = async (key: string) =>
  String(await bytesOf(readObject(bucket.store, key, { signal: inTime() })));

test('existing objects are not overwritten when it is to be a new one', async () => {
  expect(await putIfAbsent('once', 'first')).toBe(true);
  expect(await putIfAbsent('once', 'second')).toBe(false);
  expect(await textOf('once')).toBe('first');
  await bucket.store.remove(['once'], inTime());
  expect(await putIfAbsent('once', 'third')).toBe(true);
  expect(await textOf('once')).toBe('third');
});

test('only the expected object is overwritten when there is to be one', async () => {
  const put = (text: string, ifMatch: string) =>
    bucket.store.put('over', Buffer.from(text), {
      ifAbsent: false,
      ifMatch,
      contentType: 'text/plain',
      signal: inTime(),
    });
  const etag = async () => (await bucket.store.head('over', inTime()))!.etag;
  await putIfAbsent('over', 'first');
  expect(await put('second', await etag())).toBe(true);
  expect(await textOf('over')).toBe('second');
  expect(await put('third', await etag())).toBe(true);
});

feature('If-Match on PutObject', async () => {
  const put = async (text: string, condition: { readonly IfMatch?: string } = {}) => {
    const command = new PutObjectCommand({ Bucket: bucket.name, Key: 'matched', Body: text, ...condition });
    return (await bucket.client.send(command)).ETag;
  };
  const first = await put('first');
  await put('second');
  const third = await put('third', { IfMatch: first! }).catch((error: unknown) => error);
  if (!(third instanceof Error)) throw new Shortcoming('ignored');
  if (answerOf(third).status !== 412) throw third;
  expect(answerOf(third)).toEqual({ status: 412, code: 'PreconditionFailed' });
  expect(await textOf('matched')).toBe('second');
});

feature(
  'If-None-Match on PutObject',
  async () => {
    const put = (text: string) =>
      bucket.client.send(
        new PutObjectCommand({ Bucket: bucket.name, Key: 'header', Body: text, IfNoneMatch: '*' }),
      );
    await put('first');
    const second = await put('second').catch((error: unknown) => error);
    if (!(second instanceof Error)) throw new Shortcoming('ignored');
    expect(answerOf(second)).toEqual({ status: 412, code: 'PreconditionFailed' });
    expect(await textOf('header')).toBe('first');
  },
  () => {
    test(`of ${WRITERS} writers that race, exactly one wins`, async () => {
      const names = Array.from({ length: WRITERS }, (_, index) => `writer ${index}`);
      const won = await Promise.all(names.map((name) => putIfAbsent('race', name)));
      const winners = names.filter((_, index) => won[index]);
      expect(winners).toHaveLength(1);
      expect(await textOf('race')).toBe(winners[0]);
    });
  },
);
