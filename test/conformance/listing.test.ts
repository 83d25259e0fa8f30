import { DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createS3Client } from '../../src/s3/client.ts';
import { answerOf } from '../../src/s3/errors.ts';
import { contentMd5 } from '../../src/s3/request-headers.ts';
import { storeSettings } from '../support/test-store.ts';
import { createTestBucket, inTime, type TestBucket } from './bucket.ts';
import { feature, Shortcoming } from './features.ts';

/** More than a page of a listing, and than one DeleteObjects takes. */
const COUNT = 1003;

/** In the order of their UTF-8 bytes; in JavaScript's, U+1F600 comes before U+FFFD. */
const ENDS = ['a', 'a b', 'a+b', 'a/b', 'aa', 'é', '\uFFFD', '😀'];

/** `page/0000` to `page/1002`. */
const PAGED = Array.from({ length: COUNT }, (_, index) => `page/${String(index).padStart(4, '0')}`);

const KEYS = [...ENDS.map((end) => `ends/${end}`), ...PAGED, 'z'];

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
  const limit = pLimit(16);
  const put = (key: string) =>
    bucket.store.put(key, Buffer.from(key), { ifAbsent: false, contentType: 'text/plain', signal: inTime() });
  // In an order that is not the listing's.
  const shuffled = KEYS.toSorted((a, b) => a.length - b.length || (a < b ? 1 : -1));
  await Promise.all(shuffled.map((key) => limit(() => put(key))));
});

afterAll(() => bucket?.remove());

async function list(prefix: string, startAfter?: string): Promise<string[]> {
  const keys: string[] = [];
  const options = startAfter === undefined ? {} : { startAfter };
  for await (const { key, bytes } of bucket.store.list(prefix, { ...options, signal: inTime() })) {
    expect(bytes).toBe(Buffer.byteLength(key));
    keys.push(key);
  }
  return keys;
}

test('all keys, page after page, in the order of their UTF-8 bytes', async () => {
  expect(await list('')).toEqual(KEYS);
});

test.each([
  { prefix: 'ends/', expected: ENDS.map((end) => `ends/${end}`) },
  { prefix: 'ends/a', expected: ENDS.slice(0, 5).map((end) => `ends/${end}`) },
  { prefix: 'ends/\uFFFD', expected: ['ends/\uFFFD'] },
  { prefix: 'page/100', expected: ['page/1000', 'page/1001', 'page/1002'] },
  { prefix: 'nothing', expected: [] },
])('under the prefix $prefix', async ({ prefix, expected }) => {
  expect(await list(prefix)).toEqual(expected);
});

test.each([
  ['ends/a b', KEYS.slice(2)],
  ['ends/between', KEYS.slice(5)],
  ['ends/\uFFFD', KEYS.slice(7)],
  ['page/0002', KEYS.slice(ENDS.length + 3)],
  ['z', []],
])('after %s', async (startAfter, expected) => {
  expect(await list('', startAfter)).toEqual(expected);
});

test('pages of the size that is asked for, and each key once', async () => {
  const pages: string[][] = [];
  let token: string | undefined;
  do {
    const page = await bucket.client.send(
      new ListObjectsV2Command({
        Bucket: bucket.name,
        Prefix: 'ends/',
        MaxKeys: 3,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    pages.push((page.Contents ?? []).map(({ Key }) => Key!));
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  expect(pages.map((page) => page.length)).toEqual([3, 3, 2]);
  expect(pages.flat()).toEqual(KEYS.slice(0, ENDS.length));
});

test('a delimiter folds keys away', async () => {
  const page = await bucket.client.send(new ListObjectsV2Command({ Bucket: bucket.name, Delimiter: '/' }));
  expect(page.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['ends/', 'page/']);
  expect(page.Contents?.map(({ Key }) => Key)).toEqual(['z']);
  expect(await bucket.store.listFolders('', inTime())).toEqual(['ends/', 'page/']);
  expect(await bucket.store.listFolders('none/', inTime())).toEqual([]);
});

test('more keys than one request takes are deleted, and what was not there is no error', async () => {
  await bucket.store.remove([...PAGED, 'page/missing'], inTime());
  expect(await list('')).toEqual(KEYS.filter((key) => !PAGED.includes(key)));
});

test('a single request names what it deleted', async () => {
  const answer = await bucket.client.send(
    new DeleteObjectsCommand({
      Bucket: bucket.name,
      Delete: { Objects: [{ Key: 'z' }, { Key: 'ends/😀' }] },
    }),
  );
  expect(answer.Deleted?.map(({ Key }) => Key).toSorted()).toEqual(['ends/😀', 'z']);
  expect(await list('')).toEqual(KEYS.slice(0, ENDS.length - 1));
});

feature('refusal of a wrong Content-MD5 on DeleteObjects', async () => {
  const client = createS3Client(storeSettings(bucket.server, bucket.name));
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['content-md5'] = contentMd5('something else');
      return next(args);
    },
    { step: 'build', name: 'wrongMd5', priority: 'low' },
  );
  const Objects = [{ Key: 'ends/a' }];
  const deletion = client.send(new DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Objects } }));
  const refusal = await deletion.catch((error: unknown) => error);
  client.destroy();
  if (!(refusal instanceof Error)) throw new Shortcoming('silently accepted');
  expect(answerOf(refusal)).toEqual({ status: 400, code: 'BadDigest' });
  expect(await list('ends/a')).toContain('ends/a');
});
