import type { S3Server } from './s3-server/server.ts';

/** How an S3 server is reached. */
export type ServerAddress = Pick<S3Server, 'endpoint' | 'region' | 'accessKey' | 'secretKey'>;

/**
 * The server of TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY, TEST_S3_SECRET_KEY (and TEST_S3_REGION, else us-east-1);
 * undefined where they are not set.
 */
export function serverUnderTest(env: NodeJS.ProcessEnv): ServerAddress | undefined {
  const { TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY, TEST_S3_SECRET_KEY, TEST_S3_REGION } = env;
  if (TEST_S3_ENDPOINT === undefined) return undefined;
  if (TEST_S3_ACCESS_KEY === undefined || TEST_S3_SECRET_KEY === undefined) {
    throw new Error('TEST_S3_ENDPOINT is set: set TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY too');
  }
  return {
    endpoint: TEST_S3_ENDPOINT,
    region: TEST_S3_REGION ?? 'us-east-1',
    accessKey: TEST_S3_ACCESS_KEY,
    secretKey: TEST_S3_SECRET_KEY,
  };
}
