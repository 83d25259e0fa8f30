import {
  type DeleteMarkerEntry,
  GetBucketVersioningCommand,
  type ObjectVersion as ListedVersion,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { answerOf } from './errors.ts';
import { bareEtag } from './etag.ts';
import { compareKeyBytes, keyBytes } from './key-bytes.ts';
import type { Call, ListingArea } from './listing.ts';
import { type ObjectPage, pageOf } from './object-page.ts';
import type { ObjectVersion, Versioning } from './store.ts';

/** Statuses of servers that have no versions. */
const UNKNOWN_CALL: readonly (number | undefined)[] = [405, 501];

/** GetBucketVersioning. */
export async function readVersioning(
  client: S3Client,
  bucket: string,
  signal: AbortSignal,
): Promise<Versioning> {
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }), {
      abortSignal: signal,
    });
    return Status === 'Enabled' ? 'on' : 'off';
  } catch (error) {
    const { status } = answerOf(error);
    if (status === 403) return 'not told';
    if (UNKNOWN_CALL.includes(status)) return 'off';
    throw error;
  }
}

/** ListObjectVersions, page by page, without old versions and deletions; a page without any other is left out. */
export async function* listVersionPages(
  call: Call,
  { client, bucket, prefix, startAfter, signal }: ListingArea & { readonly startAfter: string | undefined },
): AsyncGenerator<ObjectPage<ObjectVersion>> {
  let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined =
    startAfter === undefined ? {} : { KeyMarker: startAfter };
  while (from !== undefined) {
    const markers: { KeyMarker?: string; VersionIdMarker?: string } = from;
    const page: ListObjectVersionsCommandOutput = await call(() =>
      client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...markers }), {
        abortSignal: signal,
      }),
    );
    const objects: ObjectVersion[] = [];
    for (const { Key, VersionId, IsLatest, Size, LastModified, ETag } of page.Versions ?? []) {
      if (Key === undefined || VersionId === undefined || IsLatest !== true) continue;
      // Ceph RGW begins with the key that the listing is to follow.
      if (Key === startAfter) continue;
      objects.push({
        key: Key,
        versionId: VersionId,
        bytes: Size ?? 0,
        lastModified: LastModified ?? new Date(0),
        etag: bareEtag(ETag),
      });
    }
    const newest = pageOf(objects);
    if (newest !== undefined) yield newest;
    from = page.IsTruncated ? lastOf(page) : undefined;
  }
}

/**
 * Where the next page begins: behind the last entry of this one, for the marker that Swift 2.30 names leaves out what
 * follows. Of a version and a deletion of one key either will do, for neither page has the newest of it before it.
 */
function lastOf({
  Versions,
  DeleteMarkers,
}: ListObjectVersionsCommandOutput): { KeyMarker: string; VersionIdMarker: string } | undefined {
  const ends = [Versions?.at(-1), DeleteMarkers?.at(-1)].filter(isNamed);
  const last = ends.toSorted((a, b) => compareKeyBytes(keyBytes(a.Key), keyBytes(b.Key))).at(-1);
  return last && { KeyMarker: last.Key, VersionIdMarker: last.VersionId };
}

function isNamed(
  entry: ListedVersion | DeleteMarkerEntry | undefined,
): entry is { Key: string; VersionId: string } {
  return entry?.Key !== undefined && entry.VersionId !== undefined;
}
