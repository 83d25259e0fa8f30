import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import pRetry from 'p-retry';
import type { Config } from '../config/config.ts';
import { createS3Client, endpointUrl } from './client.ts';
import { copyObject } from './copy.ts';
import { deleteObjects } from './deletion.ts';
import { answerOf, storeError } from './errors.ts';
import { listObjectPages, listObjects, listPendingUploads } from './listing.ts';
import { contentMd5 } from './request-headers.ts';
import type { Store, StoredObject } from './store.ts';
import { isVersioned, listVersionPages } from './versions.ts';

/** How often a request is made anew that the SDK takes for refused for good. */
const RETRIES = 3;

/** Metadata that names the write which made an object. */
const WRITE_ID = 'write-id';

interface PutOptions {
  readonly contentType: string;
  readonly writeId: string;
  readonly signal: AbortSignal;
}

/** @returns the bucket of the settings, and `close`, which ends idle connections */
export function openStore(settings: Config<'store'>): Store & { close(): void } {
  const client = createS3Client(settings);
  const endpoint = endpointUrl(settings) ?? `https://s3.${settings.region}.amazonaws.com`;
  const store = s3Store(client, settings.bucket, new URL(endpoint).origin, settings.region);
  return { ...store, close: () => client.destroy() };
}

function s3Store(client: S3Client, bucket: string, endpoint: string, region: string): Store {
  /** Runs one call; what it throws becomes the signal's reason or a StoreError. */
  async function call<T>(
    doing: string,
    permission: string,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      throw signal.aborted ? signal.reason : storeError(`${doing} (${endpoint})`, error, permission);
    }
  }

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
        // Of a version: an id that is none (400), or a deletion (405).
        if (status === 404 || (version.VersionId !== undefined && (status === 400 || status === 405)))
          return undefined;
        throw error;
      }
    });
  }

  /** @param condition `If-None-Match`, or nothing */
  async function putOnce(
    key: string,
    body: Buffer,
    { contentType, writeId, signal, ...condition }: PutOptions & { readonly IfNoneMatch?: '*' },
  ): Promise<void> {
    const send = () =>
      client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentMD5: contentMd5(body),
          ContentType: contentType,
          Metadata: { [WRITE_ID]: writeId },
          ...condition,
        }),
        { abortSignal: signal },
      );
    await again(send, signal);
  }

  async function putIfAbsent(key: string, body: Buffer, options: PutOptions): Promise<boolean> {
    try {
      await putOnce(key, body, { ...options, IfNoneMatch: '*' });
      return true;
    } catch (error) {
      const { status } = answerOf(error);
      if (status !== 412 && status !== 501) throw error;
      const present = await head(key, options.signal);
      // Also the second try of a request whose first answer was lost finds the object: its own.
      if (status === 412) return present?.writeId === options.writeId;
      if (present !== undefined) return false;
    }
    await putOnce(key, body, options);
    return true;
  }

  function callListing(prefix: string, signal: AbortSignal, permission = 's3:ListBucket') {
    const doing = `cannot list ${prefix} in bucket ${bucket}`;
    return <T>(work: () => Promise<T>) => call(doing, permission, signal, work);
  }

  return {
    bucket,
    endpoint,

    ensureBucket: (signal) =>
      call(`cannot use bucket ${bucket}`, 's3:ListBucket and s3:CreateBucket', signal, async () => {
        try {
          await client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal });
          return 'exists';
        } catch (error) {
          if (answerOf(error).status !== 404) throw error;
        }
        try {
          await client.send(
            new CreateBucketCommand({
              Bucket: bucket,
              // AWS refuses us-east-1 as a constraint and demands every other region; other servers know but their own.
              ...(endpoint.endsWith('.amazonaws.com') && region !== 'us-east-1'
                ? { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } }
                : {}),
            }),
            { abortSignal: signal },
          );
        } catch (error) {
          // Another run was faster, or the answer to a first try was lost.
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
          if (range !== undefined && answer.ContentRange === undefined) {
            body.destroy();
            throw new Error('the server answered with the whole object instead of the range');
          }
          return { info: storedObject(key, answer), body };
        } catch (error) {
          if (answerOf(error).code === 'NoSuchKey') return undefined;
          throw error;
        }
      }),

    put: (key, body, { ifAbsent, contentType, signal }) =>
      call(`cannot write ${key} to bucket ${bucket}`, `s3:PutObject on ${key}`, signal, async () => {
        const options = { contentType, writeId: randomUUID(), signal };
        if (ifAbsent) return putIfAbsent(key, body, options);
        await putOnce(key, body, options);
        return true;
      }),

    remove: (keys, signal) =>
      deleteObjects((doing, work) => call(doing, 's3:DeleteObject', signal, work), {
        client,
        bucket,
        keys,
        signal,
      }),

    list: (prefix, { startAfter, signal }) =>
      listObjects(callListing(prefix, signal), { client, bucket, prefix, startAfter, signal }),

    listPages: (prefix, { startAfter, signal }) =>
      listObjectPages(callListing(prefix, signal), { client, bucket, prefix, startAfter, signal }),

    isVersioned: (signal) =>
      call(`cannot use bucket ${bucket}`, 's3:GetBucketVersioning', signal, () =>
        isVersioned(client, bucket, signal),
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

    createUpload: (key, contentType, signal) =>
      call(
        `cannot begin the upload of ${key} to bucket ${bucket}`,
        `s3:PutObject on ${key}`,
        signal,
        async () => {
          const writeId = randomUUID();
          const answer = await client.send(
            new CreateMultipartUploadCommand({
              Bucket: bucket,
              Key: key,
              ContentType: contentType,
              Metadata: { [WRITE_ID]: writeId },
            }),
            { abortSignal: signal },
          );
          if (answer.UploadId === undefined) throw new Error('the server named no upload');
          return { key, uploadId: answer.UploadId, writeId };
        },
      ),

    uploadPart: ({ key, uploadId }, partNumber, body, signal) =>
      call(`cannot write ${key} to bucket ${bucket}`, `s3:PutObject on ${key}`, signal, async () => {
        const send = () =>
          client.send(
            new UploadPartCommand({
              Bucket: bucket,
              Key: key,
              UploadId: uploadId,
              PartNumber: partNumber,
              Body: body,
              ContentMD5: contentMd5(body),
            }),
            { abortSignal: signal },
          );
        const answer = await again(send, signal);
        if (answer.ETag === undefined) throw new Error(`the server gave no ETag for part ${partNumber}`);
        return { partNumber, etag: answer.ETag };
      }),

    completeUpload: ({ key, uploadId }, parts, signal) =>
      call(
        `cannot complete the upload of ${key} to bucket ${bucket}`,
        `s3:PutObject on ${key}`,
        signal,
        async () => {
          await client.send(
            new CompleteMultipartUploadCommand({
              Bucket: bucket,
              Key: key,
              UploadId: uploadId,
              MultipartUpload: {
                Parts: parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag })),
              },
            }),
            { abortSignal: signal },
          );
        },
      ),

    abortUpload: ({ key, uploadId }, signal) =>
      call(
        `cannot abort the upload of ${key} to bucket ${bucket}`,
        `s3:AbortMultipartUpload on ${key}`,
        signal,
        async () => {
          try {
            await client.send(
              new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }),
              { abortSignal: signal },
            );
          } catch (error) {
            if (answerOf(error).status !== 404) throw error;
          }
        },
      ),

    listUploads: (prefix, signal) =>
      listPendingUploads(
        (work) =>
          call(`cannot list the uploads in bucket ${bucket}`, 's3:ListBucketMultipartUploads', signal, work),
        { client, bucket, prefix, signal },
      ),
  };
}

/**
 * Errors that the SDK takes for good and that may pass: other bytes have arrived than were sent, or another write of
 * the same key is under way, at which AWS asks to try again.
 */
function isPassing(error: unknown): boolean {
  const { status, code } = answerOf(error);
  return code === 'BadDigest' || status === 409;
}

/** Makes a request anew where its error may pass. */
function again<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return pRetry(request, {
    retries: RETRIES,
    minTimeout: 200,
    signal,
    shouldRetry: ({ error }) => isPassing(error),
  });
}

function storedObject(
  key: string,
  answer: Pick<
    GetObjectCommandOutput,
    'ContentLength' | 'ContentRange' | 'LastModified' | 'ETag' | 'Metadata'
  >,
): StoredObject {
  // `bytes 0-9/100` of a range; the length is then the range's own.
  const whole = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
  return {
    key,
    bytes: whole === undefined ? (answer.ContentLength ?? 0) : Number(whole),
    lastModified: answer.LastModified ?? new Date(0),
    etag: (answer.ETag ?? '').replaceAll('"', ''),
    writeId: answer.Metadata?.[WRITE_ID],
  };
}
