import {
  type DeleteMarkerEntry,
  GetBucketVersioningCommand,
  type ObjectVersion as ListedVersion,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import type { Connection } from './connection.ts';
import { answerOf } from './errors.ts';
import { bareEtag } from './etag.ts';
import { compareKeyBytes, keyBytes } from './key-bytes.ts';
import { type ListingArea, objectsUnder } from './listing.ts';
import { type ObjectPage, pageOf } from './object-page.ts';
import type { ObjectVersion, Store, Versioning } from './store.ts';
import { given, nextPage } from './unlike-s3.ts';

/** Statuses of servers that have no versions. */
const UNKNOWN_CALL: readonly (number | undefined)[] = [405, 501];

/** The calls that concern versions. */
export function versionCalls(connection: Connection): Pick<Store, 'versioning' | 'listVersionPages'> {
  return {
    versioning: (signal) =>
      connection.call(`cannot use bucket ${connection.bucket}`, 's3:GetBucketVersioning', signal, () =>
        readVersioning(connection, signal),
      ),

    listVersionPages: (prefix, { startAfter, signal }) =>
      listVersionPages({
        ...objectsUnder(connection, prefix, 's3:ListBucketVersions', signal),
        startAfter,
      }),
  };
}

/** GetBucketVersioning. */
async function readVersioning({ client, bucket }: Connection, signal: AbortSignal): Promise<Versioning> {
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }), {
      abortSignal: signal,
    });
    if (Status === 'Enabled') return 'on';
    return Status === 'Suspended' ? 'suspended' : 'off';
  } catch (error) {
    const { status } = answerOf(error);
    if (status === 403) return 'not told';
    if (UNKNOWN_CALL.includes(status)) return 'off';
    throw error;
  }
}

/** Where a page of versions begins. */
interface VersionMarkers {
  readonly KeyMarker?: string;
  readonly VersionIdMarker?: string;
}

interface VersionsArea extends ListingArea {
  /** The listing begins after this key; undefined for its beginning. */
  readonly startAfter: string | undefined;
}

/** ListObjectVersions, page by page, without old versions and delete markers; pages left empty are skipped. */
async function* listVersionPages(area: VersionsArea): AsyncGenerator<ObjectPage<ObjectVersion>> {
  let from: VersionMarkers | undefined = area.startAfter === undefined ? {} : { KeyMarker: area.startAfter };
  while (from !== undefined) {
    const asked: VersionMarkers = from;
    const { objects, next } = await area.call(() => listVersionsFrom(area, asked));
    const newest = pageOf(objects);
    if (newest !== undefined) yield newest;
    from = next;
  }
}

async function listVersionsFrom(
  { client, bucket, prefix, startAfter, signal }: VersionsArea,
  from: VersionMarkers,
): Promise<{ readonly objects: readonly ObjectVersion[]; readonly next: VersionMarkers | undefined }> {
  const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...from }), {
    abortSignal: signal,
  });
  const objects: ObjectVersion[] = [];
  for (const { Key, VersionId, IsLatest, Size, LastModified, ETag } of page.Versions ?? []) {
    // Ceph RGW starts with the very key that the listing is to follow.
    if (!given(IsLatest, 'IsLatest') || given(Key, 'Key') === startAfter) continue;
    objects.push({
      key: given(Key, 'Key'),
      versionId: given(VersionId, 'VersionId'),
      bytes: given(Size, 'Size'),
      lastModified: given(LastModified, 'LastModified'),
      etag: bareEtag(ETag),
    });
  }
  return { objects, next: nextPage(page, from, lastOf(page)) };
}

/**
 * Where the next page begins: after the last entry of this one, because the marker that Swift 2.30 returns skips
 * entries. If a version and a delete marker of one key both come last, either will do: the newest entry of that key
 * is not after them.
 */
function lastOf({ Versions, DeleteMarkers }: ListObjectVersionsCommandOutput): VersionMarkers | undefined {
  const ends = [Versions?.at(-1), DeleteMarkers?.at(-1)].filter(isNamed);
  const last = ends.toSorted((a, b) => compareKeyBytes(keyBytes(a.Key), keyBytes(b.Key))).at(-1);
  return last && { KeyMarker: last.Key, VersionIdMarker: last.VersionId };
}

function isNamed(
  entry: ListedVersion | DeleteMarkerEntry | undefined,
): entry is { Key: string; VersionId: string } {
  return entry?.Key !== undefined && entry.VersionId !== undefined;
}
