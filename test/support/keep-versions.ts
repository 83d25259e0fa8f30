import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/s3/client.ts';
import type { TestBed } from './test-bed.ts';
import { storeSettings } from './test-store.ts';

/** Has the bucket of a bed keep versions from here on, or no longer. */
export async function keepVersions(
  { server, store }: Pick<TestBed, 'server' | 'store'>,
  status: 'Enabled' | 'Suspended' = 'Enabled',
): Promise<void> {
  const client = createS3Client(storeSettings(server, store.bucket));
  try {
    await client.send(
      new PutBucketVersioningCommand({
        Bucket: store.bucket,
        VersioningConfiguration: { Status: status },
      }),
    );
  } finally {
    client.destroy();
  }
}
