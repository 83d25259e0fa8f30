import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Error } from './errors.ts';

/** A file that holds bytes of an object; one completed from parts has several. */
export interface Piece {
  readonly path: string;
  readonly bytes: number;
}

export interface StoredVersion {
  readonly versionId: string;
  readonly key: string;
  readonly deleteMarker: boolean;
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly etag: string;
  /** What it would be without encryption. */
  readonly plainEtag: string;
  readonly lastModified: Date;
  /** Headers that are given back: content type, `x-amz-meta-*`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly encryption: string | undefined;
}

export interface Upload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiated: Date;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Piece & { readonly md5: string }>;
}

export interface Bucket {
  readonly name: string;
  readonly created: Date;
  versioning: 'Off' | 'Enabled' | 'Suspended';
  /** With what new objects are encrypted, as far as it is told: their bytes lie as they came. */
  encryption: string | undefined;
  /** Versions of each key, oldest first. */
  readonly objects: Map<string, StoredVersion[]>;
  readonly uploads: Map<string, Upload>;
  /** Keys in UTF-8 byte order; undefined after a change, until they are asked for. */
  sortedKeys: string[] | undefined;
  /** The time at which an object is written. */
  now(): Date;
}

/** Bytes lie in files of `directory`, what is known of them in memory: the server is thrown away after use. */
export interface Storage {
  readonly buckets: Map<string, Bucket>;
  now(): Date;
  /** A path for a new file. */
  newPath(): string;
}

export function createStorage(directory: string, now: () => Date): Storage {
  mkdirSync(directory, { recursive: true });
  return { buckets: new Map(), now, newPath: () => join(directory, randomUUID()) };
}

export function bucketOf(storage: Storage, name: string): Bucket {
  const bucket = storage.buckets.get(name);
  if (bucket === undefined) throw new S3Error(404, 'NoSuchBucket');
  return bucket;
}

/** S3 orders keys by their UTF-8 bytes, which is not the order of JavaScript's strings. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function sortedKeys(bucket: Bucket): readonly string[] {
  bucket.sortedKeys ??= [...bucket.objects.keys()].sort(compareKeys);
  return bucket.sortedKeys;
}

/** The newest version of a key that is no delete marker. */
export function currentVersion(bucket: Bucket, key: string): StoredVersion | undefined {
  const newest = bucket.objects.get(key)?.at(-1);
  return newest?.deleteMarker === false ? newest : undefined;
}

export function findVersion(bucket: Bucket, key: string, versionId: string | null): StoredVersion {
  if (versionId === null) {
    const version = currentVersion(bucket, key);
    if (version === undefined) throw new S3Error(404, 'NoSuchKey');
    return version;
  }
  const version = bucket.objects.get(key)?.find((known) => known.versionId === versionId);
  if (version === undefined) throw new S3Error(404, 'NoSuchVersion');
  if (version.deleteMarker) throw new S3Error(405, 'MethodNotAllowed');
  return version;
}

/** Makes an object visible, whole, in one step. Under a key of KMS its ETag is no MD5, and another for each copy. */
export function addVersion(
  bucket: Bucket,
  version: Omit<StoredVersion, 'versionId' | 'lastModified' | 'encryption' | 'etag'>,
): StoredVersion {
  const { key } = version;
  const { encryption } = bucket;
  const etag = encryption?.startsWith('aws:kms') ? randomBytes(16).toString('hex') : version.plainEtag;
  const versions = bucket.objects.get(key) ?? [];
  const versionId = bucket.versioning === 'Enabled' ? randomUUID() : 'null';
  const added: StoredVersion = { ...version, versionId, lastModified: bucket.now(), etag, encryption };
  const replaced = versions.filter((known) => known.versionId === versionId);
  const kept = versions.filter((known) => known.versionId !== versionId);
  if (versions.length === 0) bucket.sortedKeys = undefined;
  bucket.objects.set(key, [...kept, added]);
  void removeFiles(replaced);
  return added;
}

/**
 * Deletes as S3 does: by a marker in a bucket that keeps versions or has kept them, which takes the place of the version
 * without an id; the bytes otherwise, or when the version is named.
 */
export async function deleteVersion(
  bucket: Bucket,
  key: string,
  versionId: string | null,
): Promise<StoredVersion | undefined> {
  if (versionId === null && bucket.versioning !== 'Off') {
    return addVersion(bucket, { key, deleteMarker: true, pieces: [], bytes: 0, plainEtag: '', headers: {} });
  }
  const versions = bucket.objects.get(key) ?? [];
  const gone = versions.filter((known) => known.versionId === (versionId ?? 'null'));
  const kept = versions.filter((known) => !gone.includes(known));
  if (kept.length > 0) bucket.objects.set(key, kept);
  else if (bucket.objects.delete(key)) bucket.sortedKeys = undefined;
  await removeFiles(gone);
  return undefined;
}

async function removeFiles(versions: readonly StoredVersion[]): Promise<void> {
  for (const { path } of versions.flatMap(({ pieces }) => pieces)) await rm(path, { force: true });
}
