import { randomBytes } from 'node:crypto';
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyObject } from '../../src/s3/copy-object.ts';
import { openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import { mayBeCopy } from '../../src/s3/object-identity.ts';
import { readObject } from '../../src/s3/reader.ts';
import type { ObjectVersion } from '../../src/s3/store.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';

const MIB = 1024 ** 2;
const DESCRIPTION = {
  ContentType: 'image/jpeg',
  CacheControl: 'max-age=60',
  Metadata: { surface: '12', zoom: 'a=b' },
};

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

const head = (key: string) => bucket.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));
const read = (key: string) => bytesOf(readObject(bucket.store, key, { signal: inTime() }));

async function put(key: string, body: string | Buffer): Promise<string | undefined> {
  const { VersionId } = await bucket.client.send(
    new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: body, ...DESCRIPTION }),
  );
  return VersionId;
}

test.each(['plain', 'a b+c & 50%.opd', 'ü/粗糙表面/\u{1f600}.nc', 'dots/../x', '?query=1#part'])(
  'the Store copies %j with all that describes it',
  async (name) => {
    const key = `media/${name}`;
    const to = `quarantine/20261123103000/${key}`;
    await put(key, 'contents');
    const source = await bucket.store.head(key, inTime());
    expect(await bucket.store.copy({ key, etag: source!.etag }, to, inTime())).toBe(true);
    expect(mayBeCopy(source!, (await bucket.store.head(to, inTime()))!)).toBe(true);
    expect(String(await read(to))).toBe('contents');
    const { ContentType, Metadata } = DESCRIPTION;
    expect(await head(to)).toMatchObject({ ContentType, Metadata });
  },
);

test('what is not there, or another than was asked for, is not copied', async () => {
  await put('other', 'contents');
  expect(await bucket.store.copy({ key: 'missing' }, 'copy-of-none', inTime())).toBe(false);
  expect(await bucket.store.copy({ key: 'other', etag: 'f'.repeat(32) }, 'copy-of-none', inTime())).toBe(
    false,
  );
  expect(await bucket.store.head('copy-of-none', inTime())).toBeUndefined();
});

test('a copy of an object of several parts counts as the same', async () => {
  const body = randomBytes(9 * MIB);
  const options = { contentType: 'image/tiff', maxParts: 10_000, partsInFlight: 2, signal: inTime() };
  const writer = await openMultipartWriter(bucket.store, 'parts', options);
  await writer.write(body);
  await writer.complete();
  expect(await bucket.store.copy({ key: 'parts' }, 'parts-copy', inTime())).toBe(true);
  const [source, copy] = [
    await bucket.store.head('parts', inTime()),
    await bucket.store.head('parts-copy', inTime()),
  ];
  expect(mayBeCopy(source!, copy!)).toBe(true);
  expect(body.equals(await read('parts-copy'))).toBe(true);
});

test('what is too large for one request is copied in parts, with all that describes it', async () => {
  const body = randomBytes(12 * MIB);
  await put('large +1', body);
  const area = { client: bucket.client, bucket: bucket.name, signal: inTime() };
  const small = { largestCopy: MIB, copyPart: 5 * MIB };
  expect(await copyObject({ ...area, ...small }, { key: 'large +1' }, 'large-copy')).toBe(true);
  expect(body.equals(await read('large-copy'))).toBe(true);
  const { ContentType, Metadata } = DESCRIPTION;
  expect(await head('large-copy')).toMatchObject({ ContentType, Metadata });
  const [source, copy] = [
    await bucket.store.head('large +1', inTime()),
    await bucket.store.head('large-copy', inTime()),
  ];
  expect(mayBeCopy(source!, copy!)).toBe(true);
});

test('the Store lists the newest version of each object, and copies an old one back', async () => {
  expect(await bucket.store.versioning(inTime())).toBe('off');
  await bucket.client.send(
    new PutBucketVersioningCommand({
      Bucket: bucket.name,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  );
  expect(await bucket.store.versioning(inTime())).toBe('on');
  const first = await put('v/a', 'one');
  const second = await put('v/a', 'second');
  await put('v/b', 'deleted');
  await bucket.store.remove(['v/b'], inTime());
  const only = await put('v/c +&', 'three');

  const listed: ObjectVersion[] = [];
  for await (const page of bucket.store.listVersionPages('v/', { signal: inTime() }))
    listed.push(...page.take());
  expect(listed).toMatchObject([
    { key: 'v/a', versionId: second, bytes: 6 },
    { key: 'v/c +&', versionId: only, bytes: 5 },
  ]);
  const rest: string[] = [];
  const from = { startAfter: 'v/a', signal: inTime() };
  for await (const page of bucket.store.listVersionPages('v/', from))
    rest.push(...page.take().map(({ key }) => key));
  expect(rest).toEqual(['v/c +&']);

  expect(await bucket.store.headVersion('v/a', first!, inTime())).toMatchObject({ bytes: 3 });
  expect(await bucket.store.copy({ key: 'v/a', versionId: first! }, 'v/a', inTime())).toBe(true);
  const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.name, Key: 'v/a' }));
  expect(await Body?.transformToString()).toBe('one');
  const gone = first!.replace(/\w/g, (letter) => (letter === '1' ? '2' : '1'));
  expect(await bucket.store.headVersion('v/a', gone, inTime())).toBeUndefined();
});
