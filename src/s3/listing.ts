import type { Readable } from 'node:stream';
import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Connection } from './connection.ts';
import { answerOf } from './errors.ts';
import { bareEtag } from './etag.ts';
import { type ListPage, readListPage } from './list-page.ts';
import { type ObjectPage, pageOf, takePages } from './object-page.ts';
import { giveBack, newPageMemory, type PageMemory, receive } from './page-memory.ts';
import type { ObjectInfo, PendingUpload, Store } from './store.ts';
import { given, nextPage } from './unlike-s3.ts';

/** What is listed. */
export interface ListingArea {
  readonly client: S3Client;
  readonly bucket: string;
  /** '' for the whole bucket. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  /** Runs one request and turns what it throws into the operator's errors. */
  call<T>(work: () => Promise<T>): Promise<T>;
}

/** @param permission the right that the listing needs */
export function objectsUnder(
  { client, bucket, call }: Connection,
  prefix: string,
  permission: string,
  signal: AbortSignal,
): ListingArea {
  const doing = `cannot list ${prefix} in bucket ${bucket}`;
  return { client, bucket, prefix, signal, call: (work) => call(doing, permission, signal, work) };
}

/** The listings of current objects. */
export function listCalls(connection: Connection): Pick<Store, 'list' | 'listPages' | 'listFolders'> {
  /** Memory of pages already listed. */
  const free: PageMemory[] = [];
  const under = (prefix: string, signal: AbortSignal) =>
    objectsUnder(connection, prefix, 's3:ListBucket', signal);

  const listPages: Store['listPages'] = (prefix, { startAfter, signal }) =>
    listObjectPages({ ...under(prefix, signal), startAfter, free });

  return {
    async *list(prefix, options) {
      for await (const objects of takePages(listPages(prefix, options))) yield* objects;
    },
    listPages,
    listFolders: (prefix, signal) => listFolders(under(prefix, signal)),
  };
}

/** A listing, and free page memory, to which each page returns its own once taken. */
interface PagedArea extends ListingArea {
  /** The listing begins after this key; undefined for its beginning. */
  readonly startAfter: string | undefined;
  readonly free: PageMemory[];
}

/** ListObjectsV2, page by page; empty pages are skipped. */
async function* listObjectPages(area: PagedArea): AsyncGenerator<ObjectPage> {
  let token: string | undefined;
  do {
    // In a function of its own, so that nothing else of the request and answer is held while the page waits.
    const { page, next } = await listPage(area, token);
    if (page !== undefined) yield page;
    token = next;
  } while (token !== undefined);
}

/** The prefixes one level below the area's, as {@link Store.listFolders} describes. */
async function listFolders({ client, bucket, prefix, signal, call }: ListingArea): Promise<string[]> {
  const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: '/' });
  return call(async () => {
    const { CommonPrefixes = [] } = await client.send(command, { abortSignal: signal });
    return CommonPrefixes.map(({ Prefix }) => given(Prefix, 'Prefix'));
  });
}

async function listPage(
  { client, bucket, prefix, startAfter, free, signal, call }: PagedArea,
  token: string | undefined,
): Promise<{ readonly page: ObjectPage | undefined; readonly next: string | undefined }> {
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    Prefix: prefix,
    ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
  });
  const taken = takeObjects(command, free);
  return call(async () => {
    const answer: ListObjectsV2CommandOutput = await client.send(command, { abortSignal: signal });
    return {
      page: taken() ?? pageOf(describeObjects(answer)),
      next: nextPage(answer, token, answer.NextContinuationToken),
    };
  });
}

/**
 * Has {@link readListPage} read the objects of the answer, so that the SDK sees only the rest.
 *
 * @returns a function that gives the objects once the command was sent; undefined if there are none, or they are left
 * to the SDK
 */
function takeObjects(command: ListObjectsV2Command, free: PageMemory[]): () => ObjectPage | undefined {
  let memory: PageMemory | undefined;
  let read: ListPage | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: unknown };
      if (response.statusCode >= 300) return result;
      const own = free.pop() ?? newPageMemory();
      const body = await receive(own, response.body as Readable);
      memory = own;
      read = readListPage(body, own, () => giveBack(free, own));
      response.body = read?.rest ?? body;
      return result;
    },
    // Runs before the SDK parses the answer.
    { step: 'deserialize', name: 'takeObjects', priority: 'low' },
  );
  return () => {
    // By now the SDK has read what was left to it.
    if (read?.page === undefined && memory !== undefined) giveBack(free, memory);
    return read?.page;
  };
}

function describeObjects({ Contents = [] }: ListObjectsV2CommandOutput): ObjectInfo[] {
  return Contents.map(({ Key, Size, LastModified, ETag }) => ({
    key: given(Key, 'Key'),
    bytes: given(Size, 'Size'),
    lastModified: given(LastModified, 'LastModified'),
    etag: bareEtag(ETag),
  }));
}

/** Where a page of uploads begins. */
interface UploadMarkers {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

/**
 * ListMultipartUploads, page by page; yields nothing on servers that do not know the call, or if there is no bucket.
 */
export async function* listPendingUploads(area: ListingArea): AsyncGenerator<PendingUpload> {
  let from: UploadMarkers | undefined = {};
  while (from !== undefined) {
    const asked: UploadMarkers = from;
    const { uploads, next } = await area.call(() => listUploadsFrom(area, asked));
    yield* uploads;
    from = next;
  }
}

async function listUploadsFrom(
  { client, bucket, prefix, signal }: ListingArea,
  from: UploadMarkers,
): Promise<{ readonly uploads: readonly PendingUpload[]; readonly next: UploadMarkers | undefined }> {
  try {
    const page = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
      { abortSignal: signal },
    );
    const uploads = (page.Uploads ?? []).map(({ Key, UploadId, Initiated }) => ({
      key: given(Key, 'Key'),
      uploadId: given(UploadId, 'UploadId'),
      initiated: Initiated,
    }));
    return { uploads, next: nextPage(page, from, nextMarkers(page)) };
  } catch (error) {
    const { status, code } = answerOf(error);
    if (status === 501 || status === 405 || code === 'NoSuchBucket') return { uploads: [], next: undefined };
    throw error;
  }
}

function nextMarkers({
  NextKeyMarker,
  NextUploadIdMarker,
}: ListMultipartUploadsCommandOutput): UploadMarkers | undefined {
  if (NextKeyMarker === undefined || NextKeyMarker === '') return undefined;
  return {
    KeyMarker: NextKeyMarker,
    ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
  };
}
