import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';
import type { OperationContext, Reply } from './operation.ts';
import { receiveBody, receiveText } from './receive-body.ts';
import {
  addVersion,
  bucketOf,
  currentVersion,
  deleteVersion,
  findVersion,
  type Piece,
  type StoredVersion,
} from './storage.ts';
import { elements, renderXml, textOf, type XmlNode } from './xml.ts';

/** Headers of a request that an object keeps. */
export function keptHeaders(request: IncomingMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name === 'content-type' || name === 'cache-control' || name.startsWith('x-amz-meta-'))
      kept[name] = String(value);
  }
  const encoding = String(request.headers['content-encoding'] ?? '').replace(/aws-chunked,?\s*/, '');
  if (encoding !== '') kept['content-encoding'] = encoding;
  return kept;
}

function versionHeaders({ versionId, encryption }: StoredVersion): Record<string, string> {
  return {
    ...(versionId === 'null' ? {} : { 'x-amz-version-id': versionId }),
    ...(encryption === undefined ? {} : { 'x-amz-server-side-encryption': encryption }),
  };
}

export async function putObject({
  request,
  storage,
  bucket,
  key,
  corrupt,
}: OperationContext): Promise<Reply> {
  const target = bucketOf(storage, bucket);
  const onlyNew = request.headers['if-none-match'] === '*';
  const onlyOver = request.headers['if-match'];
  const refuse = () => {
    const current = currentVersion(target, key);
    if (onlyNew && current !== undefined) throw new S3Error(412, 'PreconditionFailed');
    if (onlyOver === undefined || onlyOver.replaceAll('"', '') === current?.etag) return;
    throw current === undefined ? new S3Error(404, 'NoSuchKey') : new S3Error(412, 'PreconditionFailed');
  };
  refuse();
  const { path, bytes, md5 } = await receiveBody(request, storage.newPath(), corrupt);
  // Of writers that race, the first to get here wins: nothing is awaited between the question and the answer.
  refuse();
  const added = addVersion(target, {
    key,
    deleteMarker: false,
    pieces: [{ path, bytes }],
    bytes,
    plainEtag: md5,
    headers: keptHeaders(request),
  });
  return { status: 200, headers: { etag: `"${added.etag}"`, ...versionHeaders(added) } };
}

/** The version that `x-amz-copy-source` names. */
export function copySource({ request, storage }: OperationContext): StoredVersion {
  const given = String(request.headers['x-amz-copy-source']).replace(/^\//, '');
  const [path = '', query = ''] = given.split('?');
  const [from = '', ...rest] = decodeURIComponent(path).split('/');
  const versionId = new URLSearchParams(query).get('versionId');
  const source = findVersion(bucketOf(storage, from), rest.join('/'), versionId);
  const ifMatch = request.headers['x-amz-copy-source-if-match'];
  if (ifMatch !== undefined && ifMatch !== `"${source.etag}"`) throw new S3Error(412, 'PreconditionFailed');
  return source;
}

/** As AWS has it, a copy of what was written in parts is one object of one part. */
async function etagOfCopy(sourceEtag: string, copy: StoredVersion): Promise<string> {
  if (!sourceEtag.includes('-')) return sourceEtag;
  const hash = createHash('md5');
  for await (const chunk of readPieces(copy, 0, copy.bytes - 1)) hash.update(chunk);
  return hash.digest('hex');
}

export async function copyObject(context: OperationContext): Promise<Reply> {
  const { request, storage, bucket, key } = context;
  const source = copySource(context);
  const pieces: Piece[] = [];
  for (const piece of source.pieces) {
    const copy = storage.newPath();
    await link(piece.path, copy);
    pieces.push({ path: copy, bytes: piece.bytes });
  }
  const replace = request.headers['x-amz-metadata-directive'] === 'REPLACE';
  const added = addVersion(bucketOf(storage, bucket), {
    key,
    deleteMarker: false,
    pieces,
    bytes: source.bytes,
    plainEtag: await etagOfCopy(source.plainEtag, { ...source, pieces }),
    headers: replace ? keptHeaders(request) : source.headers,
  });
  return {
    status: 200,
    headers: versionHeaders(added),
    xml: renderXml('CopyObjectResult', [
      ['LastModified', added.lastModified],
      ['ETag', `"${added.etag}"`],
    ]),
  };
}

/** GetObject and HeadObject. */
export async function getObject({ request, query, storage, bucket, key }: OperationContext): Promise<Reply> {
  const version = findVersion(bucketOf(storage, bucket), key, query.get('versionId'));
  const range = readRange(request.headers.range, version.bytes);
  const { start, end } = range ?? { start: 0, end: version.bytes - 1 };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...version.headers,
      'content-length': String(end - start + 1),
      'accept-ranges': 'bytes',
      'last-modified': version.lastModified.toUTCString(),
      etag: `"${version.etag}"`,
      ...versionHeaders(version),
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${version.bytes}` }),
    },
    body: readPieces(version, start, end),
  };
}

/** `bytes=a-b`, `bytes=a-` or `bytes=-n`; anything else is no range, as RFC 9110 has it. */
export function readRange(
  header: string | undefined,
  bytes: number,
): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, bytes - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? bytes - 1 : Math.min(bytes - 1, Number(match[2]));
  if (start >= bytes || start > end) throw new S3Error(416, 'InvalidRange');
  return { start, end };
}

/** The bytes `start` to `end` of an object, both included. */
export async function* readPieces(
  { pieces }: StoredVersion,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const { path, bytes } of pieces) {
    const from = Math.max(0, start - offset);
    const to = Math.min(bytes - 1, end - offset);
    offset += bytes;
    if (from > to) continue;
    yield* createReadStream(path, {
      start: from,
      end: to,
      highWaterMark: 512 * 1024,
    }) as AsyncIterable<Buffer>;
  }
}

export async function deleteObject({ query, storage, bucket, key }: OperationContext): Promise<Reply> {
  const marker = await deleteVersion(bucketOf(storage, bucket), key, query.get('versionId'));
  return {
    status: 204,
    headers: marker === undefined ? {} : { 'x-amz-delete-marker': 'true', ...versionHeaders(marker) },
  };
}

export async function deleteObjects({ request, storage, bucket, refusal }: OperationContext): Promise<Reply> {
  const target = bucketOf(storage, bucket);
  const checked = ['content-md5', 'x-amz-checksum-crc32', 'x-amz-checksum-sha256'].some(
    (name) => request.headers[name] !== undefined,
  );
  const xml = await receiveText(request);
  if (!checked)
    throw new S3Error(400, 'InvalidRequest', 'Missing required header for this request: Content-MD5');
  const objects = elements(xml, 'Object');
  if (objects.length === 0 || objects.length > 1000) throw new S3Error(400, 'MalformedXML');
  const quiet = textOf(xml, 'Quiet') === 'true';
  const nodes: XmlNode[] = [];
  for (const object of objects) {
    const key = textOf(object, 'Key') ?? '';
    const refused = refusal(key);
    if (refused !== undefined) {
      const { code, named } = refused;
      const name: XmlNode[] = named ? [['Key', key]] : [];
      nodes.push(['Error', [...name, ['Code', code], ['Message', code]]]);
      continue;
    }
    await deleteVersion(target, key, textOf(object, 'VersionId') ?? null);
    if (!quiet) nodes.push(['Deleted', [['Key', key]]]);
  }
  return { status: 200, xml: renderXml('DeleteResult', nodes) };
}
