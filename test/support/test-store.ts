import { type Config, readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { type S3Server, type S3ServerOptions, startS3Server } from './s3-server/server.ts';
import { scratchDirectory } from './scratch-directory.ts';
import { storeEnv } from './topobank-backup.ts';

/** The tool's settings that lead to a bucket of the server. */
export function storeSettings(
  server: Parameters<typeof storeEnv>[0] & Pick<S3Server, 'region'>,
  bucket: string,
): Config<'store'> {
  const own = { AWS_STORAGE_BUCKET_NAME: bucket, S3_REGION: server.region, S3_WAIT: '1s' };
  const env = { ...storeEnv(server), ...own };
  return readConfig({ flags: {}, env }, ['store']);
}

/** A bucket on a test server of its own, whose faults a test scripts. */
export interface TestStore {
  readonly server: S3Server;
  readonly settings: Config<'store'>;
  readonly store: Store;
  close(): Promise<void>;
}

export async function startTestStore(options: Pick<S3ServerOptions, 'tls'> = {}): Promise<TestStore> {
  const directory = scratchDirectory('store');
  const server = await startS3Server({ directory: directory.path, ...options });
  const settings = { ...storeSettings(server, 'bucket'), verifyTls: options.tls === undefined };
  const store = openStore(settings);
  await store.ensureBucket(AbortSignal.timeout(30_000));
  return {
    server,
    settings,
    store,
    async close() {
      store.close();
      await server.close();
      directory.remove();
    },
  };
}
