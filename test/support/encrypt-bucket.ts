import { PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/s3/client.ts';
import type { TestBed } from './test-bed.ts';
import { storeSettings } from './test-store.ts';

/** Has the bucket of a bed encrypt what is written from here on, with a key of KMS unless it is told otherwise. */
export async function encryptBucket(
  { server, store }: Pick<TestBed, 'server' | 'store'>,
  SSEAlgorithm: 'aws:kms' | 'aws:kms:dsse' | 'AES256' = 'aws:kms',
): Promise<void> {
  const client = createS3Client(storeSettings(server, store.bucket));
  try {
    await client.send(
      new PutBucketEncryptionCommand({
        Bucket: store.bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm } }],
        },
      }),
    );
  } finally {
    client.destroy();
  }
}
