import { S3Error } from './errors.ts';
import { type Bucket, compareKeys, currentVersion, sortedKeys } from './storage.ts';
import { renderXml, type XmlNode } from './xml.ts';

const PAGE = 1000;

interface Query {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  /** Writes a key as the client asked for it. */
  readonly spell: (key: string) => string;
}

function readQuery(query: URLSearchParams, limit: string): Query {
  const encoding = query.get('encoding-type');
  if (encoding !== null && encoding !== 'url') throw new S3Error(400, 'InvalidArgument');
  const maxKeys = Number(query.get(limit) ?? PAGE);
  if (!Number.isInteger(maxKeys) || maxKeys < 0) throw new S3Error(400, 'InvalidArgument');
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Math.min(maxKeys, PAGE),
    spell: (key) => (encoding === 'url' ? encodeURIComponent(key).replaceAll('%2F', '/') : key),
  };
}

/** The part of a key up to the delimiter after the prefix, under which it is folded away. */
function commonPrefix(key: string, { prefix, delimiter }: Query): string | undefined {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

/** First index whose key comes after `start`. */
function firstAfter(keys: readonly string[], start: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle] as string, start) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** ListObjectsV2. */
export function listObjects(bucket: Bucket, query: URLSearchParams): string {
  const asked = readQuery(query, 'max-keys');
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const from = token === null ? startAfter : Buffer.from(token, 'base64url').toString();
  const keys = sortedKeys(bucket);
  const contents: XmlNode[] = [];
  const folded = new Set<string>();
  let last = '';
  let truncated = false;
  const first = from === '' ? 0 : firstAfter(keys, from);
  const begin = Math.max(first, asked.prefix === '' ? 0 : firstAtOrAfter(keys, asked.prefix));
  for (let index = begin; index < keys.length; index++) {
    const key = keys[index] as string;
    if (!key.startsWith(asked.prefix)) break;
    const version = currentVersion(bucket, key);
    if (version === undefined) continue;
    const fold = commonPrefix(key, asked);
    // A page that ended with a folded prefix goes on after all keys under it.
    if (fold !== undefined && (folded.has(fold) || (token !== null && from.startsWith(fold)))) {
      if (folded.has(fold)) last = key;
      continue;
    }
    if (contents.length + folded.size >= asked.maxKeys) {
      truncated = true;
      break;
    }
    last = key;
    if (fold !== undefined) folded.add(fold);
    else {
      contents.push([
        'Contents',
        [
          ['Key', asked.spell(key)],
          ['LastModified', version.lastModified],
          ['ETag', `"${version.etag}"`],
          ['Size', version.bytes],
          ['StorageClass', 'STANDARD'],
        ],
      ]);
    }
  }
  return renderXml('ListBucketResult', [
    ['Name', bucket.name],
    ['Prefix', asked.spell(asked.prefix)],
    ['KeyCount', contents.length + folded.size],
    ['MaxKeys', asked.maxKeys],
    ['IsTruncated', truncated && asked.maxKeys > 0],
    ...(truncated && asked.maxKeys > 0
      ? [['NextContinuationToken', Buffer.from(last).toString('base64url')] as XmlNode]
      : []),
    ...contents,
    ...[...folded].map((prefix): XmlNode => ['CommonPrefixes', [['Prefix', asked.spell(prefix)]]]),
  ]);
}

function firstAtOrAfter(keys: readonly string[], start: string): number {
  const after = firstAfter(keys, start);
  return after > 0 && keys[after - 1] === start ? after - 1 : after;
}

/** ListObjectVersions: newest first within a key. */
export function listVersions(bucket: Bucket, query: URLSearchParams): string {
  const asked = readQuery(query, 'max-keys');
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('version-id-marker') ?? '';
  const nodes: XmlNode[] = [];
  let last: { key: string; versionId: string } | undefined;
  let truncated = false;
  for (const key of sortedKeys(bucket)) {
    if (!key.startsWith(asked.prefix)) continue;
    const order = keyMarker === '' ? 1 : compareKeys(key, keyMarker);
    if (order < 0 || (order === 0 && idMarker === '')) continue;
    const versions = (bucket.objects.get(key) ?? []).toReversed();
    const seen = order === 0 ? versions.findIndex(({ versionId }) => versionId === idMarker) + 1 : 0;
    for (const [index, version] of versions.entries()) {
      if (index < seen) continue;
      if (nodes.length >= asked.maxKeys) {
        truncated = true;
        break;
      }
      last = version;
      nodes.push([
        version.deleteMarker ? 'DeleteMarker' : 'Version',
        [
          ['Key', asked.spell(key)],
          ['VersionId', version.versionId],
          ['IsLatest', index === 0],
          ['LastModified', version.lastModified],
          ...(version.deleteMarker
            ? []
            : ([
                ['ETag', `"${version.etag}"`],
                ['Size', version.bytes],
              ] as XmlNode[])),
        ],
      ]);
    }
    if (truncated) break;
  }
  return renderXml('ListVersionsResult', [
    ['Name', bucket.name],
    ['Prefix', asked.spell(asked.prefix)],
    ['MaxKeys', asked.maxKeys],
    ['IsTruncated', truncated],
    ...(truncated && last !== undefined
      ? ([
          ['NextKeyMarker', asked.spell(last.key)],
          ['NextVersionIdMarker', last.versionId],
        ] as XmlNode[])
      : []),
    ...nodes,
  ]);
}

/** ListMultipartUploads. */
export function listUploads(bucket: Bucket, query: URLSearchParams): string {
  const asked = readQuery(query, 'max-uploads');
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const all = [...bucket.uploads.values()]
    .filter(({ key }) => key.startsWith(asked.prefix))
    .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId))
    .filter(({ key, uploadId }) => {
      const order = keyMarker === '' ? 1 : compareKeys(key, keyMarker);
      return order > 0 || (order === 0 && idMarker !== '' && compareKeys(uploadId, idMarker) > 0);
    });
  const page = all.slice(0, asked.maxKeys);
  const last = page.at(-1);
  const truncated = page.length < all.length;
  return renderXml('ListMultipartUploadsResult', [
    ['Bucket', bucket.name],
    ['Prefix', asked.spell(asked.prefix)],
    ['MaxUploads', asked.maxKeys],
    ['IsTruncated', truncated],
    ...(truncated && last !== undefined
      ? ([
          ['NextKeyMarker', asked.spell(last.key)],
          ['NextUploadIdMarker', last.uploadId],
        ] as XmlNode[])
      : []),
    ...page.map(
      ({ key, uploadId, initiated }): XmlNode => [
        'Upload',
        [
          ['Key', asked.spell(key)],
          ['UploadId', uploadId],
          ['Initiated', initiated],
        ],
      ],
    ),
  ]);
}
