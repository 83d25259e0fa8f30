import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { sendToBucket } from './send-to-bucket.ts';
import type { TestBed } from './test-bed.ts';

/** Has the bucket of a bed keep versions from here on, or no longer. */
export async function keepVersions(
  bed: Pick<TestBed, 'server' | 'store'>,
  Status: 'Enabled' | 'Suspended' = 'Enabled',
): Promise<void> {
  await sendToBucket(bed, (client, Bucket) =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } })),
  );
}
