import { randomUUID } from 'node:crypto';
import { createS3Client } from '../../src/s3/client.ts';
import type { Store } from '../../src/s3/store.ts';
import type { Environment } from './database.ts';
import { removeBucket } from './remove-bucket.ts';
import { startS3Relay } from './s3-relay.ts';
import { type S3Server, startS3Server } from './s3-server/server.ts';
import { type ServerAddress, serverUnderTest } from './server-under-test.ts';
import { storeSettings } from './test-store.ts';

/** The S3 server of a test bed. */
export interface BedServer {
  readonly server: S3Server;
  /** What the program is told besides the way to the server. */
  readonly variables: Environment;
  /** Takes back what would outlive the server. */
  removeAll(store: Store): Promise<void>;
}

/** Whether test beds use the server that TEST_S3_ENDPOINT names, as vitest.conformance.config.ts has them. */
export function onOtherServer(): boolean {
  return otherServer() !== undefined;
}

function otherServer(): ServerAddress | undefined {
  return process.env.TEST_BEDS === 'real' ? serverUnderTest(process.env) : undefined;
}

/**
 * One of our own; or, where TEST_BEDS is `real`, a bucket of the one that TEST_S3_ENDPOINT names. Nobody sets that one's
 * clock, so the program is told to take objects for old at once.
 *
 * @param now the clock of our own
 */
export async function startBedServer(directory: string, now: () => Date): Promise<BedServer> {
  const other = otherServer();
  if (other !== undefined) return useBucketOf(other);
  return { server: await startS3Server({ directory, now }), variables: {}, removeAll: async () => {} };
}

async function useBucketOf(other: ServerAddress): Promise<BedServer> {
  const server = await startS3Relay(other);
  const variables = {
    AWS_STORAGE_BUCKET_NAME: `bed-${randomUUID()}`,
    S3_REGION: server.region,
    AUDIT_GRACE: '0',
  };
  return {
    server,
    variables,
    async removeAll(store) {
      // One that was started for the run goes as a whole.
      if (process.env.TEST_S3_SERVER !== undefined) return;
      const client = createS3Client(storeSettings(other, store.bucket));
      await removeBucket(client, store, AbortSignal.timeout(240_000));
      client.destroy();
    },
  };
}
