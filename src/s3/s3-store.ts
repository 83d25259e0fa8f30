import type { Config } from '../config/config.ts';
import { createS3Client, serverAddress } from './client.ts';
import { connectBucket, type Waiting } from './connection.ts';
import { copyCall } from './copy-object.ts';
import { deleteObjects } from './deletion.ts';
import { ensureBucketCall } from './ensure-bucket.ts';
import { readCalls } from './get-object.ts';
import { listCalls } from './listing.ts';
import { putCall } from './put-object.ts';
import type { Store } from './store.ts';
import { tellStalls } from './tell-stalls.ts';
import { uploadCalls } from './uploads.ts';
import { versionCalls } from './versions.ts';

/**
 * @param waiting see {@link connectBucket}
 * @returns the bucket of the settings, and `close`, which ends idle connections
 */
export function openStore(
  settings: Config<'store'>,
  waiting: Pick<Waiting, 'onWait' | 'stop'> = {},
): Store & { close(): void } {
  const client = createS3Client(settings);
  if (waiting.onWait !== undefined) tellStalls(client, waiting.onWait);
  const connection = connectBucket(client, {
    bucket: settings.bucket,
    endpoint: serverAddress(settings),
    waitMs: settings.serverWait,
    ...waiting,
  });
  const { bucket, endpoint } = connection;
  const listing = listCalls(connection);
  const reading = readCalls(connection, listing.list);
  return {
    bucket,
    endpoint,

    // The SDK learns the offset from each answer, to sign with it.
    now: () => new Date(Date.now() + client.config.systemClockOffset),

    ensureBucket: ensureBucketCall(connection, settings.region),
    ...reading,
    put: putCall(connection, reading.head),
    remove: (keys, signal) => deleteObjects(connection, keys, signal),
    ...listing,
    ...versionCalls(connection),
    copy: copyCall(connection),
    ...uploadCalls(connection),

    close: () => client.destroy(),
  };
}
