import type { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import { createS3Client, serverAddress } from './client.ts';
import { type Connection, connectBucket, type Waiting, WRITE_ID } from './connection.ts';
import { copyObject } from './copy-object.ts';
import { deleteObjects } from './deletion.ts';
import { answerOf, UnlikeS3Error } from './errors.ts';
import { bareEtag, hidesMd5 } from './etag.ts';
import { listObjectPages, listObjects } from './listing.ts';
import type { PageMemory } from './page-memory.ts';
import { putCall } from './put-object.ts';
import type { ByteRange, Store, StoredObject } from './store.ts';
import { given } from './unlike-s3.ts';
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
  const connection = connectBucket(client, {
    bucket: settings.bucket,
    endpoint: serverAddress(settings),
    waitMs: settings.serverWait,
    ...waiting,
  });
  return { ...s3Store(connection, settings.region), close: () => client.destroy() };
}

/**
 * An address that ends with the name of the bucket: the request to create it would make an object in it.
 *
 * @throws ConfigError
 */
function refuseNested({ endpoint, bucket }: Connection): void {
  if (!endpoint.endsWith(`/${bucket}`)) return;
  throw new ConfigError({
    doing: `cannot use bucket ${bucket}`,
    problem: `the server has none under ${endpoint}, an address that ends with the name of the bucket`,
    remedy: `set AWS_S3_ENDPOINT_URL to ${endpoint.slice(0, -bucket.length - 1)}`,
  });
}

function s3Store(connection: Connection, region: string): Store {
  const { client, bucket, endpoint, call } = connection;
  /** Memory of pages already listed. */
  const free: PageMemory[] = [];

  async function head(
    key: string,
    signal: AbortSignal,
    version: { readonly VersionId?: string } = {},
  ): Promise<StoredObject | undefined> {
    return call(`cannot look up ${key} in bucket ${bucket}`, `s3:GetObject on ${key}`, signal, async () => {
      try {
        const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...version }), {
          abortSignal: signal,
        });
        return storedObject(key, answer);
      } catch (error) {
        const { status } = answerOf(error);
        // For a version: an invalid id (400), or a delete marker (405).
        if (status === 404 || (version.VersionId !== undefined && (status === 400 || status === 405)))
          return undefined;
        throw error;
      }
    });
  }

  function callListing(prefix: string, signal: AbortSignal, permission = 's3:ListBucket') {
    const doing = `cannot list ${prefix} in bucket ${bucket}`;
    return <T>(work: () => Promise<T>) => call(doing, permission, signal, work);
  }

  /**
   * A key that may only list under its own prefixes may not HEAD the bucket, yet may do everything else. The answer
   * to a HEAD has no body to distinguish it from an unknown key.
   */
  async function assertKnown(signal: AbortSignal): Promise<void> {
    try {
      await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }), { abortSignal: signal });
    } catch (error) {
      if (answerOf(error).code !== 'AccessDenied') throw error;
    }
  }

  return {
    bucket,
    endpoint,

    // The SDK learns the offset from each answer, to sign with it.
    now: () => new Date(Date.now() + client.config.systemClockOffset),

    ensureBucket: (signal) =>
      call(`cannot use bucket ${bucket}`, 's3:ListBucket and s3:CreateBucket', signal, async () => {
        try {
          await client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal });
          return 'exists';
        } catch (error) {
          const { status } = answerOf(error);
          if (status === 403) {
            await assertKnown(signal);
            return 'exists';
          }
          if (status !== 404) throw error;
        }
        refuseNested(connection);
        try {
          await client.send(
            new CreateBucketCommand({
              Bucket: bucket,
              // AWS refuses us-east-1 as a constraint and requires every other region; other servers know only their
              // own.
              ...(endpoint.endsWith('.amazonaws.com') && region !== 'us-east-1'
                ? { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } }
                : {}),
            }),
            { abortSignal: signal },
          );
        } catch (error) {
          // Another run was faster, or the answer to an earlier attempt was lost.
          if (answerOf(error).code !== 'BucketAlreadyOwnedByYou') throw error;
        }
        return 'created';
      }),

    head: (key, signal) => head(key, signal),

    headVersion: (key, VersionId, signal) => head(key, signal, { VersionId }),

    get: (key, { range, signal }) =>
      call(`cannot read ${key} from bucket ${bucket}`, `s3:GetObject on ${key}`, signal, async () => {
        try {
          const answer = await client.send(
            new GetObjectCommand({
              Bucket: bucket,
              Key: key,
              ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
            }),
            { abortSignal: signal },
          );
          const body = answer.Body as Readable;
          try {
            if (range !== undefined) checkRange(range, answer.ContentRange);
            return { info: storedObject(key, answer), body };
          } catch (error) {
            body.destroy();
            throw error;
          }
        } catch (error) {
          if (answerOf(error).code === 'NoSuchKey') return undefined;
          throw error;
        }
      }),

    put: putCall(connection, head),

    remove: (keys, signal) =>
      deleteObjects((doing, work) => call(doing, 's3:DeleteObject', signal, work), {
        client,
        bucket,
        keys,
        signal,
      }),

    list: (prefix, { startAfter, signal }) =>
      listObjects(callListing(prefix, signal), { client, bucket, prefix, startAfter, free, signal }),

    listPages: (prefix, { startAfter, signal }) =>
      listObjectPages(callListing(prefix, signal), { client, bucket, prefix, startAfter, free, signal }),

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

/** A resumed read takes the bytes for those that it asked for. */
function checkRange({ start }: ByteRange, contentRange: string | undefined): void {
  if (contentRange === undefined) {
    throw new UnlikeS3Error('the server returned the whole object instead of the range');
  }
  const [, first] = /^\s*bytes[ =]+(\d+)-/i.exec(contentRange) ?? [];
  if (Number(first) !== start) {
    throw new UnlikeS3Error(`the server returned a different range than requested: ${contentRange}`);
  }
}

function storedObject(
  key: string,
  answer: Pick<
    GetObjectCommandOutput,
    | 'ContentLength'
    | 'ContentRange'
    | 'LastModified'
    | 'ETag'
    | 'Metadata'
    | 'ServerSideEncryption'
    | 'SSECustomerAlgorithm'
  >,
): StoredObject {
  // `bytes 0-9/100` for a range; Content-Length is then the length of the range.
  const whole = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
  return {
    key,
    bytes: whole === undefined ? given(answer.ContentLength, 'Content-Length') : Number(whole),
    lastModified: given(answer.LastModified, 'Last-Modified'),
    etag: bareEtag(answer.ETag),
    writeId: answer.Metadata?.[WRITE_ID],
    hidesMd5: hidesMd5(answer),
  };
}
