import type { S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/s3/client.ts';
import type { TestBed } from './test-bed.ts';
import { storeSettings } from './test-store.ts';

/** Sends one request about the bucket of a bed that the tool itself has no use for. */
export async function sendToBucket(
  { server, store }: Pick<TestBed, 'server' | 'store'>,
  request: (client: S3Client, bucket: string) => Promise<unknown>,
): Promise<void> {
  const client = createS3Client(storeSettings(server, store.bucket));
  try {
    await request(client, store.bucket);
  } finally {
    client.destroy();
  }
}
