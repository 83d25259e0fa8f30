import { randomBytes } from 'node:crypto';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf } from '../../src/s3/errors.ts';
import { readObject } from '../../src/s3/reader.ts';
import { contentMd5 } from '../../src/s3/request-headers.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

const anyway = () => ({ ifAbsent: false, contentType: 'application/x-test', signal: inTime() });

test.each([0, 1, 65_537, 3 * 1024 ** 2])('an object of %i bytes comes back as it was', async (bytes) => {
  const body = randomBytes(bytes);
  await bucket.store.put(`sizes/${bytes}`, body, anyway());
  expect(await bucket.store.head(`sizes/${bytes}`, inTime())).toMatchObject({ key: `sizes/${bytes}`, bytes });
  const got = await bucket.store.get(`sizes/${bytes}`, { signal: inTime() });
  expect(got?.info).toMatchObject({ bytes, writeId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  expect(body.equals(await bytesOf(got!.body))).toBe(true);
});

test('an object that is not there is undefined, and reading it an error', async () => {
  expect(await bucket.store.head('missing', inTime())).toBeUndefined();
  expect(await bucket.store.get('missing', { signal: inTime() })).toBeUndefined();
  await expect(bytesOf(readObject(bucket.store, 'missing', { signal: inTime() }))).rejects.toThrow(
    /there is no such object/,
  );
});

test('an object that is written again has the other bytes', async () => {
  await bucket.store.put('again', Buffer.from('first'), anyway());
  const first = await bucket.store.head('again', inTime());
  await bucket.store.put('again', Buffer.from('second, and longer'), anyway());
  expect(String(await bytesOf(readObject(bucket.store, 'again', { signal: inTime() })))).toBe(
    'second, and longer',
  );
  const second = await bucket.store.head('again', inTime());
  expect(second?.etag).not.toBe(first?.etag);
  expect(second?.writeId).not.toBe(first?.writeId);
});

describe('ranges', () => {
  const body = randomBytes(100_000);

  beforeAll(async () => {
    await bucket.store.put('ranges', body, anyway());
  });

  test.each([
    { start: 0, end: 0 },
    { start: 5, end: 9 },
    { start: 0, end: 99_999 },
    { start: 99_999, end: 99_999 },
    { start: 50_000, end: 150_000 },
  ])('bytes $start to $end', async (range) => {
    const got = await bucket.store.get('ranges', { range, signal: inTime() });
    expect(got?.info.bytes).toBe(body.length);
    const expected = body.subarray(range.start, range.end + 1);
    expect(expected.equals(await bytesOf(got!.body))).toBe(true);
    expect(
      expected.equals(await bytesOf(readObject(bucket.store, 'ranges', { range, signal: inTime() }))),
    ).toBe(true);
  });

  test('a range behind the end is refused', async () => {
    const range = { start: 100_000, end: 100_001 };
    await expect(bucket.store.get('ranges', { range, signal: inTime() })).rejects.toThrow(/416 InvalidRange/);
  });

  test('the last bytes', async () => {
    const answer = await bucket.client.send(
      new GetObjectCommand({ Bucket: bucket.name, Key: 'ranges', Range: 'bytes=-10' }),
    );
    expect(body.subarray(-10).equals((await answer.Body?.transformToByteArray()) ?? Buffer.of())).toBe(true);
  });
});

test('metadata and the content type are kept', async () => {
  const given = { ContentType: 'application/sql', Metadata: { 'write-id': 'some', surface: 'a b+c' } };
  await bucket.client.send(
    new PutObjectCommand({ Bucket: bucket.name, Key: 'described', Body: 'x', ...given }),
  );
  expect(
    await bucket.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: 'described' })),
  ).toMatchObject(given);
});

test('a body that is not what its Content-MD5 says is refused, and nothing of it is there', async () => {
  const put = bucket.client.send(
    new PutObjectCommand({ Bucket: bucket.name, Key: 'bad', Body: 'sent', ContentMD5: contentMd5('meant') }),
  );
  expect(answerOf(await put.catch((error: unknown) => error))).toEqual({ status: 400, code: 'BadDigest' });
  expect(await bucket.store.head('bad', inTime())).toBeUndefined();
});

test('deleted objects are gone; one that is not there may be deleted', async () => {
  await bucket.store.put('gone', Buffer.from('x'), anyway());
  await bucket.store.remove(['gone', 'was never there'], inTime());
  expect(await bucket.store.head('gone', inTime())).toBeUndefined();
});
