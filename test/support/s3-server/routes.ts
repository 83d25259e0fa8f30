import type { IncomingMessage } from 'node:http';
import * as buckets from './bucket-operations.ts';
import { listObjects, listUploads, listVersions } from './listing.ts';
import * as multipart from './multipart-operations.ts';
import * as objects from './object-operations.ts';
import type { Operation, OperationContext, Reply } from './operation.ts';
import { type Bucket, bucketOf } from './storage.ts';

const listing =
  (list: (bucket: Bucket, query: URLSearchParams) => string) =>
  async ({ storage, bucket, query }: OperationContext): Promise<Reply> => ({
    status: 200,
    xml: list(bucketOf(storage, bucket), query),
  });

/** What a request asks for. */
export interface Asked {
  /** As it came, still encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly bucket: string;
  readonly key: string;
  /** The S3 API's name, such as `PutObject`; `Unknown` for what this server does not know. */
  readonly operation: string;
  /** What does it, where it is known. */
  readonly run: Operation | undefined;
}

export function readRequest(request: IncomingMessage): Asked {
  // Not by URL, which would take the segments `.` and `..` of a key for steps of a path.
  const [path = '', search] = (request.url ?? '/').split('?', 2);
  const query = new URLSearchParams(search);
  const [, bucket = '', ...rest] = path.split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const [operation, run] = route(request, query, bucket, key) ?? ['Unknown', undefined];
  return { path, query, bucket, key, operation, run };
}

function route(
  request: IncomingMessage,
  query: URLSearchParams,
  bucket: string,
  key: string,
): readonly [name: string, run: Operation] | undefined {
  const { method } = request;
  if (bucket === '') return method === 'GET' ? ['ListBuckets', buckets.listBuckets] : undefined;
  if (key === '') return routeBucket(method, query);
  if (query.has('uploadId')) return routeUpload(method, query);
  if (query.has('tagging') || query.has('acl')) return undefined;
  switch (method) {
    case 'POST':
      return query.has('uploads') ? ['CreateMultipartUpload', multipart.createMultipartUpload] : undefined;
    case 'PUT':
      return request.headers['x-amz-copy-source'] === undefined
        ? ['PutObject', objects.putObject]
        : ['CopyObject', objects.copyObject];
    case 'GET':
      return ['GetObject', objects.getObject];
    case 'HEAD':
      return ['HeadObject', objects.getObject];
    case 'DELETE':
      return ['DeleteObject', objects.deleteObject];
    default:
      return undefined;
  }
}

function routeBucket(
  method: string | undefined,
  query: URLSearchParams,
): readonly [string, Operation] | undefined {
  switch (method) {
    case 'PUT':
      if (query.has('versioning')) return ['PutBucketVersioning', buckets.putBucketVersioning];
      if (query.has('encryption')) return ['PutBucketEncryption', buckets.putBucketEncryption];
      return [...query.keys()].every((name) => name === 'x-id')
        ? ['CreateBucket', buckets.createBucket]
        : undefined;
    case 'HEAD':
      return ['HeadBucket', buckets.headBucket];
    case 'DELETE':
      return ['DeleteBucket', buckets.deleteBucket];
    case 'POST':
      return query.has('delete') ? ['DeleteObjects', objects.deleteObjects] : undefined;
    case 'GET':
      if (query.has('versioning')) return ['GetBucketVersioning', buckets.getBucketVersioning];
      if (query.has('uploads')) return ['ListMultipartUploads', listing(listUploads)];
      if (query.has('versions')) return ['ListObjectVersions', listing(listVersions)];
      return query.get('list-type') === '2' ? ['ListObjectsV2', listing(listObjects)] : undefined;
    default:
      return undefined;
  }
}

function routeUpload(
  method: string | undefined,
  query: URLSearchParams,
): readonly [string, Operation] | undefined {
  switch (method) {
    case 'PUT':
      return query.has('partNumber') ? ['UploadPart', multipart.uploadPart] : undefined;
    case 'POST':
      return ['CompleteMultipartUpload', multipart.completeMultipartUpload];
    case 'DELETE':
      return ['AbortMultipartUpload', multipart.abortMultipartUpload];
    case 'GET':
      return ['ListParts', multipart.listParts];
    default:
      return undefined;
  }
}
