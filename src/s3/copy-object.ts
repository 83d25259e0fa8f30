import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { ABORT_MS } from './begin-upload.ts';
import type { Connection } from './connection.ts';
import { answerOf } from './errors.ts';
import { bareEtag, strongEtag } from './etag.ts';
import type { CopySource, Store } from './store.ts';
import { given } from './unlike-s3.ts';

/** Largest object that CopyObject accepts, in bytes (S3 API reference). */
export const LARGEST_COPY = 5 * 1024 ** 3;

/** Part size for larger objects, in bytes: the largest object, 5 TiB, takes 5,120 of them. */
const COPY_PART = 1024 ** 3;

interface CopyArea {
  readonly client: S3Client;
  readonly bucket: string;
  readonly signal: AbortSignal;
  /** Largest object to copy in one request, in bytes; only tests set it. */
  readonly largestCopy?: number;
  readonly copyPart?: number;
}

/** The call that copies an object, as {@link Store.copy} describes. */
export function copyCall({ client, bucket, call }: Connection): Store['copy'] {
  return (source, key, signal) =>
    call(
      `cannot copy ${source.key} to ${key} in bucket ${bucket}`,
      `s3:GetObject on ${source.key} and s3:PutObject on ${key}`,
      signal,
      () => copyObject({ client, bucket, signal }, source, key),
    );
}

/**
 * CopyObject, or UploadPartCopy for what is too large.
 *
 * @returns false if the source does not exist or is a different object
 */
export async function copyObject(area: CopyArea, source: CopySource, key: string): Promise<boolean> {
  const { client, bucket, signal, largestCopy = LARGEST_COPY } = area;
  try {
    const head = await client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: source.key, ...versionOf(source) }),
      { abortSignal: signal },
    );
    if (source.etag !== undefined && bareEtag(head.ETag) !== source.etag) return false;
    if (given(head.ContentLength, 'Content-Length') > largestCopy) {
      await copyParts(area, source, key, head);
      return true;
    }
    await client.send(
      new CopyObjectCommand({
        Bucket: bucket,
        Key: key,
        CopySource: spellSource(bucket, source),
        ...onlyIf(head),
      }),
      { abortSignal: signal },
    );
    return true;
  } catch (error) {
    // Not found, no such version (Swift: 400), a delete marker, or replaced meanwhile.
    const { status, code } = answerOf(error);
    if (status === 404 || status === 405 || status === 412 || code === 'NoSuchVersion') return false;
    throw error;
  }
}

/** Copying parts does not copy an object's metadata and tags, so they are read and set explicitly. */
async function copyParts(
  { client, bucket, signal, copyPart = COPY_PART }: CopyArea,
  source: CopySource,
  key: string,
  head: HeadObjectCommandOutput,
): Promise<void> {
  const { ContentType, ContentDisposition, ContentEncoding, ContentLanguage, CacheControl, Metadata } = head;
  const tags = await readTags(client, bucket, source, signal);
  signal.throwIfAborted();
  // Not cancellable: without its id, an upload could not be aborted.
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      ContentType,
      ContentDisposition,
      ContentEncoding,
      ContentLanguage,
      CacheControl,
      Metadata,
      ...(tags === '' ? {} : { Tagging: tags }),
    }),
  );
  const upload = { Bucket: bucket, Key: key, UploadId };
  try {
    const bytes = given(head.ContentLength, 'Content-Length');
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let start = 0; start < bytes; start += copyPart) {
      const PartNumber = Parts.length + 1;
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...upload,
          PartNumber,
          CopySource: spellSource(bucket, source),
          CopySourceRange: `bytes=${start}-${Math.min(start + copyPart, bytes) - 1}`,
          ...onlyIf(head),
        }),
        { abortSignal: signal },
      );
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }), {
      abortSignal: signal,
    });
  } catch (error) {
    const limit = AbortSignal.timeout(ABORT_MS);
    await client.send(new AbortMultipartUploadCommand(upload), { abortSignal: limit }).catch(() => {});
    throw error;
  }
}

/** Answers of servers that have no tags, and of those that do not show them to the key. */
const WITHOUT_TAGS = new Set([400, 403, 404, 405, 501]);

/** `a=1&b=2`; empty on servers that have no tags, or that do not show them to this key. */
async function readTags(
  client: S3Client,
  bucket: string,
  source: CopySource,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { TagSet } = await client.send(
      new GetObjectTaggingCommand({ Bucket: bucket, Key: source.key, ...versionOf(source) }),
      { abortSignal: signal },
    );
    const tags = new URLSearchParams();
    for (const { Key = '', Value = '' } of TagSet ?? []) tags.append(Key, Value);
    return tags.toString();
  } catch (error) {
    signal.throwIfAborted();
    const { status } = answerOf(error);
    if (status === undefined || !WITHOUT_TAGS.has(status)) throw error;
    return '';
  }
}

function versionOf({ versionId }: CopySource): { VersionId?: string } {
  return versionId === undefined ? {} : { VersionId: versionId };
}

/** For an object written in parts, Swift 2.30 compares the condition with an ETag of its own, and refuses the copy. */
function onlyIf({ ETag }: HeadObjectCommandOutput): { CopySourceIfMatch?: string } {
  return ETag === undefined || ETag.includes('-') ? {} : { CopySourceIfMatch: strongEtag(ETag) };
}

/** The SDK sends the header as given, and servers parse it as part of a URL. */
function spellSource(bucket: string, { key, versionId }: CopySource): string {
  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}
