import type { Readable } from 'node:stream';
import type { ObjectPage } from './object-page.ts';

/** Longest key that S3 knows, in bytes. */
export const LONGEST_KEY = 1024;

/** An object as a listing or a HEAD describes it. */
export interface ObjectInfo {
  readonly key: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** By the clock of the server, which tells whole seconds in a HEAD. */
  readonly lastModified: Date;
  /** The server's ETag without quotes. Of a multipart object it follows no common formula; never recompute it. */
  readonly etag: string;
}

/** An object as a HEAD or a GET describes it. */
export interface StoredObject extends ObjectInfo {
  /**
   * Names the write that made the object (`x-amz-meta-write-id`), if it was one of this Store: by it a writer
   * recognises its own object when the answer to its request was lost.
   */
  readonly writeId: string | undefined;
  /**
   * It is encrypted with a key of its owner's (SSE-KMS, SSE-C): its ETag tells nothing of its bytes, and a copy has
   * another. A listing does not tell.
   */
  readonly hidesMd5: boolean;
}

/** The newest version of an object, which its key stands for (ListObjectVersions). */
export interface ObjectVersion extends ObjectInfo {
  readonly versionId: string;
}

/** What is copied: an object, or an old version of one. */
export interface CopySource {
  readonly key: string;
  readonly versionId?: string;
  /** What the copy has to be of; another object under the key is not copied. */
  readonly etag?: string;
}

/** A multipart upload under way. */
export interface Upload {
  readonly key: string;
  readonly uploadId: string;
  /** The {@link StoredObject.writeId} that the object will have. */
  readonly writeId: string;
}

/** A part that the server has acknowledged (UploadPart). */
export interface UploadedPart {
  /** 1-based; ascending, gaps are allowed. */
  readonly partNumber: number;
  readonly etag: string;
}

/** A multipart upload that was begun and neither completed nor aborted (ListMultipartUploads). */
export interface PendingUpload {
  readonly key: string;
  readonly uploadId: string;
  /** When it was begun; undefined where the server does not tell. */
  readonly initiated: Date | undefined;
}

/** Bytes `start` to `end`, both included, as in an HTTP Range header. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** `not told`: the key may not ask. A server that knows no versions keeps none, nor does a bucket that is suspended. */
export type Versioning = 'on' | 'off' | 'not told';

/**
 * One bucket of an S3 server, as the operations need it.
 *
 * Every call is retried by itself on throttling, 5xx and broken connections; what is thrown is a StoreError that
 * names the key, the bucket, the server's answer and the remedy, or the signal's reason when `signal` was aborted.
 * Every body that is sent carries Content-MD5 (the one checksum that all servers check).
 */
export interface Store {
  readonly bucket: string;
  /** For messages: the endpoint's origin, without credentials. */
  readonly endpoint: string;

  /** The time by the server's clock, as its last answer told it (`Date`); by this machine's before the first. */
  now(): Date;

  /** HeadBucket, then CreateBucket when it is missing. StoreError when neither is allowed. */
  ensureBucket(signal: AbortSignal): Promise<'exists' | 'created'>;

  /** HeadObject. `undefined` when there is no such object. */
  head(key: string, signal: AbortSignal): Promise<StoredObject | undefined>;

  /**
   * GetObject as one stream, or a range of it; `info.bytes` is the size of the whole object in both cases.
   * `undefined` when there is no such object. The body fails or ends early when the connection breaks;
   * {@link readObject} of reader.ts resumes such a read.
   */
  get(
    key: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<{ readonly info: StoredObject; readonly body: Readable } | undefined>;

  /**
   * PutObject. With `ifAbsent` an object that exists is not overwritten: `If-None-Match: *`, or HEAD first on servers
   * that do not know the header (501); of writers that race, the latter may let several through. Returns false when
   * another write's object was there.
   */
  put(
    key: string,
    body: Buffer,
    options: { readonly ifAbsent: boolean; readonly contentType: string; readonly signal: AbortSignal },
  ): Promise<boolean>;

  /**
   * DeleteObjects in batches of at most 1,000. Keys that the server refuses to delete keep no other from being
   * deleted; a StoreError then names them, and has them as its `keys`, unless the server does not tell which they are.
   * A key that does not exist is no error.
   */
  remove(keys: readonly string[], signal: AbortSignal): Promise<void>;

  /** ListObjectsV2: every object under `prefix` in UTF-8 byte order, 1,000 a page, nothing held but a page. */
  list(
    prefix: string,
    options: { readonly startAfter?: string; readonly signal: AbortSignal },
  ): AsyncIterable<ObjectInfo>;

  /** {@link list}, a page at a time: the next one is asked for when the generator is. */
  listPages(
    prefix: string,
    options: { readonly startAfter?: string; readonly signal: AbortSignal },
  ): AsyncGenerator<ObjectPage>;

  /** Whether each write of an object keeps the one before (GetBucketVersioning). */
  versioning(signal: AbortSignal): Promise<Versioning>;

  /** {@link listPages} of a versioned bucket: each object with the id of its newest version. */
  listVersionPages(
    prefix: string,
    options: { readonly startAfter?: string; readonly signal: AbortSignal },
  ): AsyncGenerator<ObjectPage<ObjectVersion>>;

  /** HeadObject of one version. `undefined` when there is none of this id, or it is a deletion. */
  headVersion(key: string, versionId: string, signal: AbortSignal): Promise<StoredObject | undefined>;

  /**
   * CopyObject within the bucket; objects of more than 5 GiB by UploadPartCopy. No byte passes through this machine;
   * content type and metadata are the source's, tags where the server has them. An object under `key` is replaced.
   * Returns false when there is no such source, or another one than its `etag` says.
   */
  copy(source: CopySource, key: string, signal: AbortSignal): Promise<boolean>;

  /** CreateMultipartUpload. */
  createUpload(key: string, contentType: string, signal: AbortSignal): Promise<Upload>;

  /** UploadPart. Retried on its own, also when the server found other bytes than were sent (BadDigest). */
  uploadPart(upload: Upload, partNumber: number, body: Buffer, signal: AbortSignal): Promise<UploadedPart>;

  /** CompleteMultipartUpload. An error in the body of a 200 answer is thrown like any other. */
  completeUpload(upload: Upload, parts: readonly UploadedPart[], signal: AbortSignal): Promise<void>;

  /** AbortMultipartUpload. An upload that is gone already is no error. */
  abortUpload(upload: Pick<Upload, 'key' | 'uploadId'>, signal: AbortSignal): Promise<void>;

  /**
   * ListMultipartUploads under `prefix`. Ends at once on servers that do not know the call (501, 405), and where
   * there is no bucket.
   */
  listUploads(prefix: string, signal: AbortSignal): AsyncIterable<PendingUpload>;
}
