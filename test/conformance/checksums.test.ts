import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerOf } from '../../src/s3/errors.ts';
import { readObject } from '../../src/s3/reader.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';
import { feature, Shortcoming } from './features.ts';

let bucket: TestBucket;
/** A client that is not the project's: the SDK as it comes, with its own checksums. */
let other: S3Client;

beforeAll(async () => {
  bucket = await createTestBucket();
  const { endpoint, region, accessKey, secretKey } = bucket.server;
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  other = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
});

afterAll(async () => {
  other?.destroy();
  await bucket?.remove();
});

async function uploadElsewise(key: string, body: Buffer | Readable): Promise<void> {
  const params = { Bucket: bucket.name, Key: key, Body: body, ContentType: 'image/tiff' };
  await new Upload({ client: other, params, partSize: 5 * 1024 ** 2 }).done();
}

const read = (key: string) => bytesOf(readObject(bucket.store, key, { signal: inTime() }));

test.each([100, 12 * 1024 ** 2])(
  'what another client uploads as %i bytes is read as it was',
  async (bytes) => {
    const body = randomBytes(bytes);
    await uploadElsewise(`other/${bytes}`, body);
    expect(body.equals(await read(`other/${bytes}`))).toBe(true);
  },
);

feature('CRC32 trailers on streamed bodies', async () => {
  const body = randomBytes(200_000);
  const put = new PutObjectCommand({
    Bucket: bucket.name,
    Key: 'streamed',
    Body: Readable.from([body.subarray(0, 70_000), body.subarray(70_000)]),
    ContentLength: body.length,
  });
  await other.send(put);
  const stored = await read('streamed');
  if (stored.length > body.length) throw new Shortcoming('stored with the framing of its chunks');
  expect(body.equals(stored)).toBe(true);
});

feature('refusal of a wrong CRC32', async () => {
  const wrong = Buffer.alloc(4);
  wrong.writeUInt32BE(crc32('meant'));
  const put = bucket.client.send(
    new PutObjectCommand({
      Bucket: bucket.name,
      Key: 'wrong',
      Body: 'sent',
      ChecksumCRC32: wrong.toString('base64'),
    }),
  );
  const refusal = await put.catch((error: unknown) => error);
  if (!(refusal instanceof Error)) throw new Shortcoming('silently accepted');
  expect(answerOf(refusal).status).toBe(400);
  expect(await bucket.store.head('wrong', inTime())).toBeUndefined();
});
