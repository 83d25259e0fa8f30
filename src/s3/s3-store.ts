import type { Config } from '../config/config.ts';
import { createS3Client, serverAddress } from './client.ts';
import { type Connection, connectBucket, type Waiting } from './connection.ts';
import { copyObject } from './copy-object.ts';
import { deleteObjects } from './deletion.ts';
import { ensureBucketCall } from './ensure-bucket.ts';
import { readCalls } from './get-object.ts';
import { listFolders, listObjectPages, listObjects } from './listing.ts';
import type { PageMemory } from './page-memory.ts';
import { putCall } from './put-object.ts';
import type { Store } from './store.ts';
import { tellStalls } from './tell-stalls.ts';
import { uploadCalls } from './uploads.ts';
import { listVersionPages, readVersioning } from './versions.ts';

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
  return { ...s3Store(connection, settings.region), close: () => client.destroy() };
}

function s3Store(connection: Connection, region: string): Store {
  const { client, bucket, endpoint, call } = connection;
  /** Memory of pages already listed. */
  const free: PageMemory[] = [];
  function callListing(prefix: string, signal: AbortSignal, permission = 's3:ListBucket') {
    const doing = `cannot list ${prefix} in bucket ${bucket}`;
    return <T>(work: () => Promise<T>) => call(doing, permission, signal, work);
  }

  const list: Store['list'] = (prefix, { startAfter, signal }) =>
    listObjects(callListing(prefix, signal), { client, bucket, prefix, startAfter, free, signal });

  const reading = readCalls(connection, async (key, signal) => {
    for await (const first of list(key, { signal })) return first.key === key;
    return false;
  });

  return {
    bucket,
    endpoint,

    // The SDK learns the offset from each answer, to sign with it.
    now: () => new Date(Date.now() + client.config.systemClockOffset),

    ensureBucket: ensureBucketCall(connection, region),

    ...reading,

    put: putCall(connection, reading.head),

    remove: (keys, signal) =>
      deleteObjects((doing, work) => call(doing, 's3:DeleteObject', signal, work), {
        client,
        bucket,
        keys,
        signal,
      }),

    list,

    listPages: (prefix, { startAfter, signal }) =>
      listObjectPages(callListing(prefix, signal), { client, bucket, prefix, startAfter, free, signal }),

    listFolders: (prefix, signal) =>
      listFolders(callListing(prefix, signal), { client, bucket, prefix, signal }),

    versioning: (signal) =>
      call(`cannot use bucket ${bucket}`, 's3:GetBucketVersioning', signal, () =>
        readVersioning(client, bucket, signal),
      ),

    listVersionPages: (prefix, { startAfter, signal }) =>
      listVersionPages(callListing(prefix, signal, 's3:ListBucketVersions'), {
        client,
        bucket,
        prefix,
        startAfter,
        signal,
      }),

    copy: (source, key, signal) =>
      call(
        `cannot copy ${source.key} to ${key} in bucket ${bucket}`,
        `s3:GetObject on ${source.key} and s3:PutObject on ${key}`,
        signal,
        () => copyObject({ client, bucket, signal }, source, key),
      ),

    ...uploadCalls(connection),
  };
}
