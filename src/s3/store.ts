import type { Readable } from 'node:stream';
import type { ObjectPage } from './object-page.ts';

/** Longest key that S3 allows, in bytes. */
export const LONGEST_KEY = 1024;

/** An object as a listing or a HEAD describes it. */
export interface ObjectInfo {
  readonly key: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** By the server's clock; whole seconds in a HEAD. */
  readonly lastModified: Date;
  /** The server's ETag without quotes. That of a multipart object follows no common formula; never recompute it. */
  readonly etag: string;
}

/** An object as a HEAD or a GET describes it. */
export interface StoredObject extends ObjectInfo {
  /**
   * Identifies the write that made the object (`x-amz-meta-write-id`), if this Store made it: a writer recognizes its
   * own object by it when the answer to its request was lost.
   */
  readonly writeId: string | undefined;
  /**
   * The object is encrypted with a key of its owner's (SSE-KMS, SSE-C): its ETag reveals nothing about its bytes, and
   * a copy has a different one. A listing does not include this.
   */
  readonly hidesMd5: boolean;
}

/** The newest version of an object, to which its key refers (ListObjectVersions). */
export interface ObjectVersion extends ObjectInfo {
  readonly versionId: string;
}

/** What to copy: an object, or an old version of one. */
export interface CopySource {
  readonly key: string;
  readonly versionId?: string;
  /** The ETag that the source must have; a different object under the key is not copied. */
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

/** A multipart upload that was begun but neither completed nor aborted (ListMultipartUploads). */
export interface PendingUpload {
  readonly key: string;
  readonly uploadId: string;
  /** When it was begun; undefined if the server does not say. */
  readonly initiated: Date | undefined;
}

/** Bytes `start` to `end`, both inclusive, as in an HTTP Range header. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * `suspended`: old versions stay, but a write replaces the version without an id. `not told`: the key may not ask. `off`
 * includes servers without versions.
 */
export type Versioning = 'on' | 'suspended' | 'off' | 'not told';

/** Which object a write may overwrite: none; any; or one with this ETag. */
type PutCondition =
  | { readonly ifAbsent: true; readonly ifMatch?: undefined }
  | { readonly ifAbsent: false; readonly ifMatch?: string };

/**
 * One bucket of an S3 server, as the operations need it.
 *
 * Every call retries by itself on throttling, 5xx and broken connections. It throws a StoreError that names the key,
 * the bucket, the server's answer and the remedy, or the signal's reason if `signal` was aborted. Every body sent
 * carries Content-MD5 (the one checksum that all servers check).
 */
export interface Store {
  readonly bucket: string;
  /** For messages: the address of the server, without credentials. */
  readonly endpoint: string;

  /** The time by the server's clock, according to its last answer (`Date`); by this machine's before the first. */
  now(): Date;

  /** HeadBucket, then CreateBucket if it is missing. Throws StoreError if neither is allowed. */
  ensureBucket(signal: AbortSignal): Promise<'exists' | 'created'>;

  /** HeadObject. `undefined` if there is no such object; if it is refused (403), the listing tells whether there is. */
  head(key: string, signal: AbortSignal): Promise<StoredObject | undefined>;

  /**
   * GetObject as one stream, or a range of it; `info.bytes` is the size of the whole object in both cases.
   * `undefined` if there is no such object, as for `head`. The body fails or ends early if the connection breaks; {@link readObject}
   * of reader.ts resumes such a read.
   */
  get(
    key: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<{ readonly info: StoredObject; readonly body: Readable } | undefined>;

  /**
   * PutObject. With `ifAbsent`, an existing object is not overwritten (`If-None-Match: *`), and with `ifMatch` only one
   * with this ETag is (`If-Match`). Where a server does not know the header (501) or ignores `If-None-Match`, HEAD
   * decides, which may let several racing writers through; some servers ignore `If-Match`. Returns false if another
   * write's object was there, or none.
   */
  put(
    key: string,
    body: Buffer,
    options: PutCondition & { readonly contentType: string; readonly signal: AbortSignal },
  ): Promise<boolean>;

  /**
   * DeleteObjects in batches of at most 1,000. A key that the server refuses to delete does not keep others from
   * being deleted; a StoreError then names the refused keys and lists them in its `keys`, unless the server does not
   * say which they are. A key that does not exist is not an error.
   */
  remove(keys: readonly string[], signal: AbortSignal): Promise<void>;

  /** ListObjectsV2: every object under `prefix` in UTF-8 byte order, 1,000 per page; only one page is held. */
  list(
    prefix: string,
    options: { readonly startAfter?: string; readonly signal: AbortSignal },
  ): AsyncIterable<ObjectInfo>;

  /** {@link list}, a page at a time: each page is requested when the generator is advanced. */
  listPages(
    prefix: string,
    options: { readonly startAfter?: string; readonly signal: AbortSignal },
  ): AsyncGenerator<ObjectPage>;

  /**
   * The first prefixes one level below `prefix`, each with its slash, in UTF-8 byte order: those of one page of
   * ListObjectsV2 by the delimiter `/`, of at most 1,000 of them and of objects beside them.
   */
  listFolders(prefix: string, signal: AbortSignal): Promise<string[]>;

  /** Whether each write of an object keeps the previous one (GetBucketVersioning). */
  versioning(signal: AbortSignal): Promise<Versioning>;

  /** {@link listPages} of a versioned bucket: each object with the id of its newest version. */
  listVersionPages(
    prefix: string,
    options: { readonly startAfter?: string; readonly signal: AbortSignal },
  ): AsyncGenerator<ObjectPage<ObjectVersion>>;

  /** HeadObject of one version. `undefined` if there is none with this id, or it is a delete marker. */
  headVersion(key: string, versionId: string, signal: AbortSignal): Promise<StoredObject | undefined>;

  /**
   * CopyObject within the bucket; UploadPartCopy for objects of more than 5 GiB. No bytes pass through this machine;
   * content type and metadata are the source's, as are tags if the server has them. An object under `key` is
   * replaced. Returns false if there is no such source, or its ETag is not `etag`.
   */
  copy(source: CopySource, key: string, signal: AbortSignal): Promise<boolean>;

  /** CreateMultipartUpload. */
  createUpload(key: string, contentType: string, signal: AbortSignal): Promise<Upload>;

  /** UploadPart. Retries by itself, also if the server received other bytes than were sent (BadDigest). */
  uploadPart(upload: Upload, partNumber: number, body: Buffer, signal: AbortSignal): Promise<UploadedPart>;

  /** CompleteMultipartUpload. An error in the body of a 200 answer is thrown like any other. */
  completeUpload(upload: Upload, parts: readonly UploadedPart[], signal: AbortSignal): Promise<void>;

  /** AbortMultipartUpload. An upload that is already gone is not an error. */
  abortUpload(upload: Pick<Upload, 'key' | 'uploadId'>, signal: AbortSignal): Promise<void>;

  /**
   * ListMultipartUploads under `prefix`. Ends at once on servers that do not know the call (501, 405), and if there
   * is no bucket.
   */
  listUploads(prefix: string, signal: AbortSignal): AsyncIterable<PendingUpload>;
}
