import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/s3/client.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { removeBucket } from '../support/remove-bucket.ts';
import { storeSettings } from '../support/test-store.ts';
import { connectServer, type ServerUnderTest } from './server.ts';

/** Ends each call of the suite that should have ended long before. */
export const inTime = () => AbortSignal.timeout(240_000);

/** A bucket of the server under test, for one test file. */
export interface TestBucket {
  readonly name: string;
  readonly server: ServerUnderTest;
  /** The project's own view of it. */
  readonly store: Store;
  /** The project's own client, for calls that the Store has not. */
  readonly client: S3Client;
  /** Deletes it with every upload and every version in it. */
  remove(): Promise<void>;
}

export async function createTestBucket(): Promise<TestBucket> {
  const server = await connectServer();
  const name = `conformance-${randomUUID()}`;
  const settings = storeSettings(server, name);
  const client = createS3Client(settings);
  const store = openStore(settings);
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return {
    name,
    server,
    store,
    client,
    async remove() {
      await removeBucket(client, store, inTime());
      store.close();
      client.destroy();
      await server.close();
    },
  };
}

/** The bytes of a stream or of a generator, in one piece. */
export async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const collected: Buffer[] = [];
  for await (const chunk of chunks) collected.push(chunk);
  return Buffer.concat(collected);
}
