import { type S3Server, startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

/** The S3 server that the suite runs against. */
export interface ServerUnderTest
  extends Pick<S3Server, 'endpoint' | 'region' | 'accessKey' | 'secretKey' | 'close'> {}

/**
 * The server of TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY, TEST_S3_SECRET_KEY (and TEST_S3_REGION, else us-east-1), where
 * they are set; otherwise one of our own, started for the caller.
 */
export async function connectServer(env: NodeJS.ProcessEnv = process.env): Promise<ServerUnderTest> {
  const { TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY, TEST_S3_SECRET_KEY, TEST_S3_REGION } = env;
  if (TEST_S3_ENDPOINT === undefined) return startOwnServer();
  if (TEST_S3_ACCESS_KEY === undefined || TEST_S3_SECRET_KEY === undefined) {
    throw new Error('TEST_S3_ENDPOINT is set: set TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY too');
  }
  return {
    endpoint: TEST_S3_ENDPOINT,
    region: TEST_S3_REGION ?? 'us-east-1',
    accessKey: TEST_S3_ACCESS_KEY,
    secretKey: TEST_S3_SECRET_KEY,
    close: async () => {},
  };
}

async function startOwnServer(): Promise<ServerUnderTest> {
  const directory = scratchDirectory('conformance');
  const server = await startS3Server({ directory: directory.path });
  return {
    ...server,
    async close() {
      await server.close();
      directory.remove();
    },
  };
}
