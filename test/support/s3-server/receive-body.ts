import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { decodeChunked } from './chunked-body.ts';
import { S3Error } from './errors.ts';

/** A body that lies in a file, checked against every checksum that came with it. */
export interface ReceivedBody {
  readonly path: string;
  readonly bytes: number;
  /** Hex MD5, which is the ETag of an object or a part. */
  readonly md5: string;
}

interface Checks {
  readonly update: (chunk: Buffer) => void;
  readonly finish: () => void;
}

/** The body as it is meant: aws-chunked framing taken off. Trailers are added to `checksums`. */
function decoded(request: IncomingMessage, checksums: Map<string, string>): AsyncIterable<Buffer> {
  const chunked = String(request.headers['content-encoding'] ?? '').includes('aws-chunked');
  if (!chunked) return request as AsyncIterable<Buffer>;
  const declared = String(request.headers['x-amz-content-sha256'] ?? '');
  if (declared !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') throw new S3Error(501, 'NotImplemented');
  return decodeChunked(request as AsyncIterable<Buffer>, (name, value) => checksums.set(name, value));
}

/** @param corrupt flips a bit of the body before it is looked at, as a bad line would */
export async function receiveBody(
  request: IncomingMessage,
  path: string,
  corrupt: boolean,
): Promise<ReceivedBody> {
  const checksums = new Map<string, string>();
  for (const name of ['x-amz-checksum-crc32', 'x-amz-checksum-sha256', 'x-amz-checksum-sha1']) {
    const value = request.headers[name];
    if (typeof value === 'string') checksums.set(name, value);
  }
  const md5 = createHash('md5');
  const checks = payloadChecks(request, checksums);
  let bytes = 0;
  let flip = corrupt;

  async function* checked(): AsyncGenerator<Buffer> {
    for await (const chunk of decoded(request, checksums)) {
      const data = flip ? Buffer.from(chunk) : chunk;
      if (flip) data[0] = (data[0] ?? 0) ^ 1;
      flip = false;
      bytes += data.length;
      md5.update(data);
      checks.update(data);
      yield data;
    }
  }

  try {
    await pipeline(checked(), createWriteStream(path, { highWaterMark: 1024 ** 2 }));
    const digest = md5.digest();
    checkContentMd5(request, digest);
    checks.finish();
    return { path, bytes, md5: digest.toString('hex') };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** A small body, whole and in memory: the XML of a request. */
export async function receiveText(request: IncomingMessage): Promise<string> {
  const checksums = new Map<string, string>();
  const checks = payloadChecks(request, checksums);
  const chunks: Buffer[] = [];
  for await (const chunk of decoded(request, checksums)) {
    checks.update(chunk);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  checkContentMd5(request, createHash('md5').update(body).digest());
  checks.finish();
  return body.toString();
}

function checkContentMd5(request: IncomingMessage, digest: Buffer): void {
  const given = request.headers['content-md5'];
  if (given === undefined) return;
  const expected = Buffer.from(String(given), 'base64');
  if (expected.length !== 16) throw new S3Error(400, 'InvalidDigest');
  if (!expected.equals(digest)) throw new S3Error(400, 'BadDigest');
}

/** The signed hash of the payload, and the checksums of headers or trailers. */
function payloadChecks(request: IncomingMessage, checksums: Map<string, string>): Checks {
  const signed = String(request.headers['x-amz-content-sha256'] ?? '');
  const announced = String(request.headers['x-amz-trailer'] ?? '');
  const names = [announced, ...checksums.keys()].join(' ');
  const sha256 = /^[0-9a-f]{64}$/.test(signed) || names.includes('sha256') ? createHash('sha256') : undefined;
  const sha1 = names.includes('sha1') ? createHash('sha1') : undefined;
  const wantsCrc = names.includes('crc32');
  let crc = 0;
  return {
    update(chunk) {
      sha256?.update(chunk);
      sha1?.update(chunk);
      if (wantsCrc) crc = crc32(chunk, crc);
    },
    finish() {
      const digest = sha256?.digest();
      if (/^[0-9a-f]{64}$/.test(signed) && digest?.toString('hex') !== signed) {
        throw new S3Error(400, 'XAmzContentSHA256Mismatch');
      }
      const crcBytes = Buffer.alloc(4);
      crcBytes.writeUInt32BE(crc);
      const found: Record<string, string | undefined> = {
        'x-amz-checksum-crc32': crcBytes.toString('base64'),
        'x-amz-checksum-sha256': digest?.toString('base64'),
        'x-amz-checksum-sha1': sha1?.digest('base64'),
      };
      if (announced !== '' && !checksums.has(announced)) throw new S3Error(400, 'MalformedTrailerError');
      for (const [name, value] of checksums) {
        if (!(name in found)) throw new S3Error(501, 'NotImplemented');
        if (found[name] !== value) throw new S3Error(400, 'BadDigest');
      }
    },
  };
}
