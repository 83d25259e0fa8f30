import { randomBytes } from 'node:crypto';
import { ListMultipartUploadsCommand, ListPartsCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerOf } from '../../src/s3/errors.ts';
import { openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import { readObject } from '../../src/s3/reader.ts';
import { contentMd5 } from '../../src/s3/request-headers.ts';
import type { Upload } from '../../src/s3/store.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';

const MIB = 1024 ** 2;

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

const begin = (key: string) => bucket.store.createUpload(key, 'application/sql', inTime());
const send = (upload: Upload, partNumber: number, body: Buffer) =>
  bucket.store.uploadPart(upload, partNumber, body, inTime());
const address = ({ key, uploadId }: Upload) => ({ Bucket: bucket.name, Key: key, UploadId: uploadId });

async function pendingKeys(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.store.listUploads(prefix, inTime())) keys.push(key);
  return keys;
}

async function keysUnder(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.store.list(prefix, { signal: inTime() })) keys.push(key);
  return keys;
}

test('parts of different sizes, sent out of order and with gaps, are one object when the upload is completed', async () => {
  const upload = await begin('whole');
  const bodies = new Map([
    [10_000, randomBytes(1)],
    [7, randomBytes(6 * MIB)],
    [2, randomBytes(5 * MIB)],
  ]);
  const parts = [];
  for (const [partNumber, body] of bodies) parts.push(await send(upload, partNumber, body));
  expect(await bucket.store.head('whole', inTime())).toBeUndefined();
  expect(await keysUnder('whole')).toEqual([]);

  await bucket.store.completeUpload(upload, parts.reverse(), inTime());
  const expected = Buffer.concat([2, 7, 10_000].map((partNumber) => bodies.get(partNumber)!));
  expect(await bucket.store.head('whole', inTime())).toMatchObject({
    bytes: expected.length,
    writeId: upload.writeId,
  });
  expect(expected.equals(await bytesOf(readObject(bucket.store, 'whole', { signal: inTime() })))).toBe(true);
  // A range across the seam of two parts.
  const range = { start: 5 * MIB - 10, end: 5 * MIB + 9 };
  const seam = await bytesOf(readObject(bucket.store, 'whole', { range, signal: inTime() }));
  expect(seam.equals(expected.subarray(range.start, range.end + 1))).toBe(true);
  expect(await pendingKeys('whole')).toEqual([]);
  expect(await keysUnder('')).toEqual(['whole']);
});

test('a part that is sent again replaces the one before', async () => {
  const upload = await begin('replaced');
  await send(upload, 1, Buffer.from('first'));
  const part = await send(upload, 1, Buffer.from('second'));
  await bucket.store.completeUpload(upload, [part], inTime());
  expect(String(await bytesOf(readObject(bucket.store, 'replaced', { signal: inTime() })))).toBe('second');
});

test('the parts of an upload are listed', async () => {
  const upload = await begin('listed');
  const sent = [await send(upload, 3, Buffer.from('three')), await send(upload, 1, randomBytes(100))];
  const { Parts } = await bucket.client.send(new ListPartsCommand(address(upload)));
  expect(Parts?.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, ETag])).toEqual([
    [1, 100, sent[1]?.etag],
    [3, 5, sent[0]?.etag],
  ]);
  await bucket.store.abortUpload(upload, inTime());
});

test('an aborted upload is gone with its parts, and may be aborted again', async () => {
  const upload = await begin('aborted');
  const part = await send(upload, 1, Buffer.from('part'));
  expect(await pendingKeys('aborted')).toEqual(['aborted']);
  await bucket.store.abortUpload(upload, inTime());
  await bucket.store.abortUpload(upload, inTime());
  expect(await pendingKeys('aborted')).toEqual([]);
  // Ceph answers 500 here.
  await expect(bucket.store.completeUpload(upload, [part], inTime())).rejects.toThrow(/404 NoSuchUpload|500/);
  await expect(send(upload, 2, Buffer.from('late'))).rejects.toThrow(/404 NoSuchUpload/);
  expect(await bucket.store.head('aborted', inTime())).toBeUndefined();
});

test('pending uploads are listed page by page, with their times', async () => {
  const began = Date.now();
  const uploads = [
    await begin('pending/1'),
    await begin('pending/2 +&'),
    await begin('pending/2 +&'),
    await begin('pending/3'),
  ];
  const listed = [];
  for await (const upload of bucket.store.listUploads('pending/', inTime())) listed.push(upload);
  expect(listed.map(({ key }) => key)).toEqual(['pending/1', 'pending/2 +&', 'pending/2 +&', 'pending/3']);
  expect(listed.map(({ uploadId }) => uploadId).toSorted()).toEqual(
    uploads.map(({ uploadId }) => uploadId).toSorted(),
  );
  for (const { initiated } of listed)
    expect(Math.abs((initiated?.getTime() ?? 0) - began)).toBeLessThan(600_000);

  const first = await bucket.client.send(
    new ListMultipartUploadsCommand({ Bucket: bucket.name, Prefix: 'pending/', MaxUploads: 2 }),
  );
  expect(first).toMatchObject({ IsTruncated: true });
  const second = await bucket.client.send(
    new ListMultipartUploadsCommand({
      Bucket: bucket.name,
      Prefix: 'pending/',
      KeyMarker: first.NextKeyMarker,
      UploadIdMarker: first.NextUploadIdMarker,
    }),
  );
  const paged = [...(first.Uploads ?? []), ...(second.Uploads ?? [])].map(({ UploadId }) => UploadId!);
  expect(paged.toSorted()).toEqual(uploads.map(({ uploadId }) => uploadId).toSorted());
  for (const upload of uploads) await bucket.store.abortUpload(upload, inTime());
});

test('a part that is not what its Content-MD5 says is refused, and no part of the upload', async () => {
  const upload = await begin('corrupt');
  const sending = bucket.client.send(
    new UploadPartCommand({
      ...address(upload),
      PartNumber: 1,
      Body: 'sent',
      ContentMD5: contentMd5('meant'),
    }),
  );
  expect(answerOf(await sending.catch((error: unknown) => error))).toEqual({
    status: 400,
    code: 'BadDigest',
  });
  const { Parts } = await bucket.client.send(new ListPartsCommand(address(upload)));
  expect(Parts ?? []).toEqual([]);
  await bucket.store.abortUpload(upload, inTime());
});

test.each([
  [
    'a part that was never sent',
    [{ partNumber: 2, etag: '"d41d8cd98f00b204e9800998ecf8427e"' }],
    /400 InvalidPart/,
  ],
  [
    'a part of other bytes',
    [{ partNumber: 1, etag: '"d41d8cd98f00b204e9800998ecf8427e"' }],
    /400 InvalidPart/,
  ],
])('an upload is not completed with %s', async (_, parts, expected) => {
  const upload = await begin('incomplete');
  await send(upload, 1, Buffer.from('part'));
  await expect(bucket.store.completeUpload(upload, parts, inTime())).rejects.toThrow(expected);
  expect(await bucket.store.head('incomplete', inTime())).toBeUndefined();
  await bucket.store.abortUpload(upload, inTime());
});

test('a part but the last that is smaller than 5 MiB keeps the upload from being completed', async () => {
  const upload = await begin('small');
  const parts = [await send(upload, 1, Buffer.from('small')), await send(upload, 2, Buffer.from('last'))];
  await expect(bucket.store.completeUpload(upload, parts, inTime())).rejects.toThrow(/400 EntityTooSmall/);
  await bucket.store.abortUpload(upload, inTime());
});

test('the writer streams an object of several parts, and leaves nothing when it is aborted', async () => {
  const body = randomBytes(20 * MIB + 1);
  const write = async (key: string) => {
    const options = { contentType: 'application/sql', maxParts: 10_000, partsInFlight: 3, signal: inTime() };
    const writer = await openMultipartWriter(bucket.store, key, options);
    for (let at = 0; at < body.length; at += 100_000) await writer.write(body.subarray(at, at + 100_000));
    return writer;
  };
  expect(await (await write('streamed')).complete()).toMatchObject({ bytes: body.length });
  expect(body.equals(await bytesOf(readObject(bucket.store, 'streamed', { signal: inTime() })))).toBe(true);

  await (await write('given up')).abort();
  expect(await bucket.store.head('given up', inTime())).toBeUndefined();
  expect(await pendingKeys('')).toEqual([]);

  const regretted = await write('regretted');
  await regretted.complete();
  await regretted.abort();
  expect(await bucket.store.head('regretted', inTime())).toBeUndefined();
});
