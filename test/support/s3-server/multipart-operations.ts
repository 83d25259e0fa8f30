import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { S3Error } from './errors.ts';
import { copySource, keptHeaders, readPieces, readRange } from './object-operations.ts';
import type { OperationContext, Reply } from './operation.ts';
import { type ReceivedBody, receiveBody, receiveText } from './receive-body.ts';
import { addVersion, type Bucket, bucketOf, type Upload } from './storage.ts';
import { elements, renderXml, textOf, type XmlNode } from './xml.ts';

/** Every part but the last has at least this many bytes. */
const SMALLEST_PART = 5 * 1024 ** 2;
const MOST_PARTS = 10_000;

function uploadOf(bucket: Bucket, query: URLSearchParams, key: string): Upload {
  const upload = bucket.uploads.get(query.get('uploadId') ?? '');
  if (upload === undefined || upload.key !== key) throw new S3Error(404, 'NoSuchUpload');
  return upload;
}

export async function createMultipartUpload({
  request,
  storage,
  bucket,
  key,
}: OperationContext): Promise<Reply> {
  const target = bucketOf(storage, bucket);
  const uploadId = randomUUID();
  target.uploads.set(uploadId, {
    uploadId,
    key,
    initiated: storage.now(),
    headers: keptHeaders(request),
    parts: new Map(),
  });
  return {
    status: 200,
    xml: renderXml('InitiateMultipartUploadResult', [
      ['Bucket', bucket],
      ['Key', key],
      ['UploadId', uploadId],
    ]),
  };
}

export async function uploadPart(context: OperationContext): Promise<Reply> {
  const { request, query, storage, bucket, key, corrupt } = context;
  const target = bucketOf(storage, bucket);
  const upload = uploadOf(target, query, key);
  const partNumber = Number(query.get('partNumber'));
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MOST_PARTS) {
    throw new S3Error(400, 'InvalidArgument');
  }
  const copied = request.headers['x-amz-copy-source'] !== undefined;
  const part = copied
    ? await copyBody(context, storage.newPath())
    : await receiveBody(request, storage.newPath(), corrupt);
  if (!target.uploads.has(upload.uploadId)) {
    await rm(part.path, { force: true });
    throw new S3Error(404, 'NoSuchUpload');
  }
  const replaced = upload.parts.get(partNumber);
  upload.parts.set(partNumber, part);
  if (replaced !== undefined) await rm(replaced.path, { force: true });
  if (copied) return { status: 200, xml: renderXml('CopyPartResult', [['ETag', `"${part.md5}"`]]) };
  return { status: 200, headers: { etag: `"${part.md5}"` } };
}

/** The range of an object that becomes a part. */
async function copyBody(context: OperationContext, path: string): Promise<ReceivedBody> {
  const source = copySource(context);
  const range = readRange(String(context.request.headers['x-amz-copy-source-range']), source.bytes);
  const { start, end } = range ?? { start: 0, end: source.bytes - 1 };
  const hash = createHash('md5');
  await pipeline(
    readPieces(source, start, end),
    async function* hashed(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path),
  );
  return { path, bytes: end - start + 1, md5: hash.digest('hex') };
}

export async function completeMultipartUpload({
  request,
  query,
  storage,
  bucket,
  key,
}: OperationContext): Promise<Reply> {
  const target = bucketOf(storage, bucket);
  const xml = await receiveText(request);
  const upload = uploadOf(target, query, key);
  const listed = elements(xml, 'Part').map((part) => ({
    partNumber: Number(textOf(part, 'PartNumber')),
    etag: (textOf(part, 'ETag') ?? '').replaceAll('"', ''),
  }));
  if (listed.length === 0) throw new S3Error(400, 'MalformedXML');
  const parts = listed.map(({ partNumber, etag }, index) => {
    if (index > 0 && partNumber <= (listed[index - 1]?.partNumber ?? 0))
      throw new S3Error(400, 'InvalidPartOrder');
    const part = upload.parts.get(partNumber);
    if (part === undefined || part.md5 !== etag) throw new S3Error(400, 'InvalidPart');
    if (index < listed.length - 1 && part.bytes < SMALLEST_PART) throw new S3Error(400, 'EntityTooSmall');
    return part;
  });
  const digest = createHash('md5');
  for (const { md5 } of parts) digest.update(md5, 'hex');
  const plainEtag = `${digest.digest('hex')}-${parts.length}`;
  target.uploads.delete(upload.uploadId);
  const added = addVersion(target, {
    key,
    deleteMarker: false,
    pieces: parts,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    plainEtag,
    headers: upload.headers,
  });
  for (const part of upload.parts.values()) if (!parts.includes(part)) await rm(part.path, { force: true });
  return {
    status: 200,
    headers: added.versionId === 'null' ? {} : { 'x-amz-version-id': added.versionId },
    xml: renderXml('CompleteMultipartUploadResult', [
      ['Bucket', bucket],
      ['Key', key],
      ['ETag', `"${added.etag}"`],
    ]),
  };
}

export async function abortMultipartUpload({
  query,
  storage,
  bucket,
  key,
}: OperationContext): Promise<Reply> {
  const target = bucketOf(storage, bucket);
  const upload = uploadOf(target, query, key);
  target.uploads.delete(upload.uploadId);
  for (const { path } of upload.parts.values()) await rm(path, { force: true });
  return { status: 204 };
}

export async function listParts({ query, storage, bucket, key }: OperationContext): Promise<Reply> {
  const upload = uploadOf(bucketOf(storage, bucket), query, key);
  const parts = [...upload.parts].sort(([a], [b]) => a - b);
  return {
    status: 200,
    xml: renderXml('ListPartsResult', [
      ['Bucket', bucket],
      ['Key', key],
      ['UploadId', upload.uploadId],
      ['IsTruncated', false],
      ...parts.map(
        ([partNumber, { bytes, md5 }]): XmlNode => [
          'Part',
          [
            ['PartNumber', partNumber],
            ['ETag', `"${md5}"`],
            ['Size', bytes],
          ],
        ],
      ),
    ]),
  };
}
