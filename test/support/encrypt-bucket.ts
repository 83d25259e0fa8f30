import { PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { sendToBucket } from './send-to-bucket.ts';
import type { TestBed } from './test-bed.ts';

/** Has the bucket of a bed encrypt what is written from here on, with a key of KMS unless it is told otherwise. */
export async function encryptBucket(
  bed: Pick<TestBed, 'server' | 'store'>,
  SSEAlgorithm: 'aws:kms' | 'aws:kms:dsse' | 'AES256' = 'aws:kms',
): Promise<void> {
  const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm } };
  await sendToBucket(bed, (client, Bucket) =>
    client.send(
      new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
    ),
  );
}
