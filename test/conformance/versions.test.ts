import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf } from '../../src/s3/errors.ts';
import { openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import { type ObjectPage, takePages } from '../../src/s3/object-page.ts';
import { readObject } from '../../src/s3/reader.ts';
import type { ObjectInfo } from '../../src/s3/store.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';
import { feature, Shortcoming } from './features.ts';

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

const at = (key: string, versionId?: string) => ({
  Bucket: bucket.name,
  Key: key,
  ...(versionId === undefined ? {} : { VersionId: versionId }),
});

/** Writes an object and returns the id of the version. */
async function put(key: string, body: string): Promise<string> {
  const { VersionId } = await bucket.client.send(new PutObjectCommand({ ...at(key), Body: body }));
  return VersionId!;
}

async function textOf(key: string, versionId?: string): Promise<string | undefined> {
  const { Body } = await bucket.client.send(new GetObjectCommand(at(key, versionId)));
  return Body?.transformToString();
}

async function collect<O extends ObjectInfo>(pages: AsyncGenerator<ObjectPage<O>>): Promise<O[]> {
  const objects: O[] = [];
  for await (const page of takePages(pages)) objects.push(...page);
  return objects;
}

const list = (prefix: string, more: object = {}) =>
  bucket.client.send(new ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: prefix, ...more }));

test('versions are off until they are switched on; then what was there before is one of them', async () => {
  await bucket.client.send(new PutObjectCommand({ ...at('old'), Body: 'before' }));
  const versioning = () => bucket.client.send(new GetBucketVersioningCommand({ Bucket: bucket.name }));
  expect((await versioning()).Status).not.toBe('Enabled');
  await bucket.client.send(
    new PutBucketVersioningCommand({ Bucket: bucket.name, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  expect((await versioning()).Status).toBe('Enabled');
  const after = await put('old', 'after');
  expect(await textOf('old')).toBe('after');
  const [newest, before, ...others] = (await list('old')).Versions ?? [];
  expect({ newest, others }).toMatchObject({ newest: { VersionId: after, IsLatest: true }, others: [] });
  expect(before).toMatchObject({ IsLatest: false, Size: 6 });
  // AWS calls it `null`, Swift by its time.
  expect(await textOf('old', before?.VersionId)).toBe('before');
});

test('every write is a version that is read by its id, newest first in the list', async () => {
  const [first, second] = [await put('file', 'one'), await put('file', 'second')];
  expect(await textOf('file')).toBe('second');
  expect(await textOf('file', first)).toBe('one');
  expect(await bucket.client.send(new HeadObjectCommand(at('file', first)))).toMatchObject({
    ContentLength: 3,
    VersionId: first,
  });
  expect((await list('file')).Versions).toMatchObject([
    { Key: 'file', VersionId: second, IsLatest: true, Size: 6 },
    { Key: 'file', VersionId: first, IsLatest: false, Size: 3 },
  ]);
});

feature('If-None-Match in a bucket that keeps versions', async () => {
  await put('condition', 'first');
  const command = new PutObjectCommand({ ...at('condition'), Body: 'second', IfNoneMatch: '*' });
  const second = await bucket.client.send(command).catch((error: unknown) => error);
  if (!(second instanceof Error)) throw new Shortcoming('ignored');
  if (answerOf(second).status !== 412) throw second;
  expect(await textOf('condition')).toBe('first');
});

test('existing objects are not overwritten when it is to be a new one', async () => {
  const write = (text: string) =>
    bucket.store.put('new', Buffer.from(text), {
      ifAbsent: true,
      contentType: 'text/plain',
      signal: inTime(),
    });
  expect(await write('first')).toBe(true);
  expect(await write('second')).toBe(false);
  expect(await textOf('new')).toBe('first');
  await bucket.store.remove(['new'], inTime());
  expect(await write('third')).toBe(true);
});

test('an object of several parts has one ETag, whether it is looked up or listed', async () => {
  const options = { contentType: 'image/tiff', maxParts: 10_000, partsInFlight: 2, signal: inTime() };
  const writer = await openMultipartWriter(bucket.store, 'parts/of it', options);
  await writer.write(Buffer.alloc(6 * 1024 ** 2, 'x'));
  const { etag } = await writer.complete();
  const { store } = bucket;
  const [[listed] = [], [version] = []] = await Promise.all([
    collect(store.listPages('parts/', { signal: inTime() })),
    collect(store.listVersionPages('parts/', { signal: inTime() })),
  ]);
  const looked = await store.head('parts/of it', inTime());
  const ofVersion = await store.headVersion('parts/of it', version!.versionId, inTime());
  expect([looked, ofVersion, listed, version].map((found) => found?.etag)).toEqual(Array(4).fill(etag));
});

test('a deleted object leaves its versions behind a marker, and comes back when the marker is deleted', async () => {
  const version = await put('deleted', 'kept');
  await bucket.store.remove(['deleted'], inTime());
  expect(await bucket.store.head('deleted', inTime())).toBeUndefined();
  const keys: string[] = [];
  for await (const { key } of bucket.store.list('deleted', { signal: inTime() })) keys.push(key);
  expect(keys).toEqual([]);
  expect(await textOf('deleted', version)).toBe('kept');
  const { DeleteMarkers, Versions } = await list('deleted');
  expect(DeleteMarkers).toMatchObject([{ Key: 'deleted', IsLatest: true }]);
  expect(Versions).toMatchObject([{ VersionId: version, IsLatest: false }]);
  await bucket.client.send(new DeleteObjectCommand(at('deleted', DeleteMarkers?.[0]?.VersionId)));
  expect(String(await bytesOf(readObject(bucket.store, 'deleted', { signal: inTime() })))).toBe('kept');
});

test('a version that is deleted by its id is gone, the others stay', async () => {
  const [first, second, third] = [await put('some', '1'), await put('some', '2'), await put('some', '3')];
  await bucket.client.send(new DeleteObjectCommand(at('some', third)));
  const Objects = [{ Key: 'some', VersionId: first }];
  await bucket.client.send(new DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Objects } }));
  expect((await list('some')).Versions).toMatchObject([{ VersionId: second, IsLatest: true }]);
  expect(await textOf('some')).toBe('2');
});

test('an old version is copied, with its description', async () => {
  const description = { ContentType: 'image/png', Metadata: { surface: '7' } };
  const { VersionId } = await bucket.client.send(
    new PutObjectCommand({ ...at('to copy'), Body: 'old', ...description }),
  );
  await put('to copy', 'new');
  const CopySource = `${bucket.name}/to%20copy?versionId=${VersionId}`;
  await bucket.client.send(new CopyObjectCommand({ ...at('copy of old'), CopySource }));
  expect(await textOf('copy of old')).toBe('old');
  expect(await bucket.client.send(new HeadObjectCommand(at('copy of old')))).toMatchObject(description);
});

describe('pages of versions', () => {
  let written: string[];

  beforeAll(async () => {
    const keys = ['page/a', 'page/a', 'page/a', 'page/b +&', 'page/b +&'];
    const ids: string[] = [];
    for (const key of keys) ids.push(await put(key, key));
    const [a1, a2, a3, b1, b2] = ids as [string, string, string, string, string];
    written = [a3, a2, a1, b2, b1];
  });

  /** @param after the markers of what comes after a page; undefined after the last */
  async function idsByPage(
    after: (page: ListObjectVersionsCommandOutput) => object | undefined,
  ): Promise<(string | undefined)[]> {
    const found: (string | undefined)[] = [];
    let marker: object | undefined = {};
    while (marker !== undefined) {
      const page = await list('page/', { MaxKeys: 2, ...marker });
      const ids = (page.Versions ?? []).map(({ VersionId }) => VersionId);
      expect(ids.length).toBeLessThanOrEqual(2);
      found.push(...ids);
      marker = page.IsTruncated ? after(page) : undefined;
    }
    return found;
  }

  test('each begins after the last version of the one before', async () => {
    const found = await idsByPage(({ Versions = [] }) => {
      const { Key, VersionId } = Versions.at(-1) ?? {};
      return { KeyMarker: Key, VersionIdMarker: VersionId };
    });
    expect(found).toEqual(written);
  });

  feature('markers of the next page of versions', async () => {
    const found = await idsByPage(({ NextKeyMarker, NextVersionIdMarker }) => ({
      KeyMarker: NextKeyMarker,
      VersionIdMarker: NextVersionIdMarker,
    }));
    if (found.length < written.length) throw new Shortcoming('what follows a page is left out');
    expect(found).toEqual(written);
  });
});
