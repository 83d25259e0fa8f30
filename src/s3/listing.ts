import type { Readable } from 'node:stream';
import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { answerOf } from './errors.ts';
import { bareEtag } from './etag.ts';
import { type ListPage, readListPage } from './list-page.ts';
import { type ObjectPage, pageOf, takePages } from './object-page.ts';
import { giveBack, newPageMemory, type PageMemory, receive } from './page-memory.ts';
import type { ObjectInfo, PendingUpload } from './store.ts';

/** Runs one request and turns what it throws into the operator's errors. */
export type Call = <T>(work: () => Promise<T>) => Promise<T>;

export interface ListingArea {
  readonly client: S3Client;
  readonly bucket: string;
  /** '' for the whole bucket. */
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/** ListObjectsV2, object by object. */
export async function* listObjects(...area: Parameters<typeof listObjectPages>): AsyncGenerator<ObjectInfo> {
  for await (const objects of takePages(listObjectPages(...area))) yield* objects;
}

/** A listing, and memory that is free; that of its own pages is added to it once they were taken. */
interface PagedArea extends ListingArea {
  /** The listing begins behind this key; undefined for its beginning. */
  readonly startAfter: string | undefined;
  readonly free: PageMemory[];
}

/** ListObjectsV2, page by page; an empty page is left out. */
export async function* listObjectPages(call: Call, area: PagedArea): AsyncGenerator<ObjectPage> {
  let token: string | undefined;
  do {
    // While the page waits, nothing else is held of what was asked and answered.
    const { page, next } = await listPage(call, area, token);
    if (page !== undefined) yield page;
    token = next;
  } while (token !== undefined);
}

async function listPage(
  call: Call,
  { client, bucket, prefix, startAfter, free, signal }: PagedArea,
  token: string | undefined,
): Promise<{ readonly page: ObjectPage | undefined; readonly next: string | undefined }> {
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    Prefix: prefix,
    ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
  });
  const taken = takeObjects(command, free);
  const answer: ListObjectsV2CommandOutput = await call(() => client.send(command, { abortSignal: signal }));
  return {
    page: taken() ?? pageOf(describeObjects(answer)),
    next: answer.IsTruncated ? answer.NextContinuationToken : undefined,
  };
}

/**
 * Has the objects of the answer read by {@link readListPage}, so that the SDK sees but the rest of it.
 *
 * @returns gives the objects once the command was sent; undefined where there is none, or they are left to the SDK
 */
function takeObjects(command: ListObjectsV2Command, free: PageMemory[]): () => ObjectPage | undefined {
  let memory: PageMemory | undefined;
  let read: ListPage | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: unknown };
      if (response.statusCode !== 200) return result;
      const own = free.pop() ?? newPageMemory();
      const body = await receive(own, response.body as Readable);
      memory = own;
      read = readListPage(body, own, () => giveBack(free, own));
      response.body = read?.rest ?? body;
      return result;
    },
    // Closer to the server than the SDK's own reading of the answer.
    { step: 'deserialize', name: 'takeObjects', priority: 'low' },
  );
  return () => {
    // The SDK has read what it was left by now.
    if (read?.page === undefined && memory !== undefined) giveBack(free, memory);
    return read?.page;
  };
}

function describeObjects({ Contents = [] }: ListObjectsV2CommandOutput): ObjectInfo[] {
  return Contents.flatMap(({ Key, Size, LastModified, ETag }) =>
    Key === undefined
      ? []
      : {
          key: Key,
          bytes: Size ?? 0,
          lastModified: LastModified ?? new Date(0),
          etag: bareEtag(ETag),
        },
  );
}

/** ListMultipartUploads, page by page; nothing on servers that do not know the call, or without a bucket. */
export async function* listPendingUploads(
  call: Call,
  { client, bucket, prefix, signal }: ListingArea,
): AsyncGenerator<PendingUpload> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const from: { KeyMarker?: string; UploadIdMarker?: string } = marker;
    const page: ListMultipartUploadsCommandOutput | undefined = await call(async () => {
      try {
        return await client.send(
          new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
          {
            abortSignal: signal,
          },
        );
      } catch (error) {
        const { status, code } = answerOf(error);
        if (status === 501 || status === 405 || code === 'NoSuchBucket') return undefined;
        throw error;
      }
    });
    for (const { Key, UploadId, Initiated } of page?.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue;
      yield { key: Key, uploadId: UploadId, initiated: Initiated };
    }
    marker =
      page?.IsTruncated && page.NextKeyMarker !== undefined
        ? {
            KeyMarker: page.NextKeyMarker,
            ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
          }
        : undefined;
  }
}
