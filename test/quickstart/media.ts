import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from '../support/s3-server/server.ts';

/** Requests at the same time: enough to keep both ends of a loopback connection busy. */
const IN_FLIGHT = 16;

/** Makes the bucket and puts a small object under each key. */
export async function putMedia(
  server: S3Server,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const left = keys.values();
    const putSome = async () => {
      for (const key of left) {
        signal.throwIfAborted();
        const put = new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: Buffer.from(`contents of ${key}\n`),
        });
        await client.send(put);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, putSome));
  } finally {
    client.destroy();
  }
}
