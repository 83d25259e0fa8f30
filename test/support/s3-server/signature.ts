import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Requests may be this old or this early, in milliseconds, as on AWS. */
const SKEW_MS = 15 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/;

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** RFC 3986, as Signature Version 4 wants it: everything but letters, digits and `-_.~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Checks the Authorization header (AWS Signature Version 4). S3Error 403 when it does not hold. */
export function checkSignature(
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  { accessKey, secretKey }: Credentials,
  now: Date,
): void {
  const match = AUTHORIZATION.exec(request.headers.authorization ?? '');
  if (match === null) throw new S3Error(403, 'AccessDenied');
  const [, key = '', day = '', region = '', service = '', signed = '', signature = ''] = match;
  if (key !== accessKey) throw new S3Error(403, 'InvalidAccessKeyId');
  const time = String(request.headers['x-amz-date'] ?? '');
  checkTime(time, day, now);

  const parameters = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const resource = decodeURIComponent(path).split('/').map(encode).join('/');
  const headers = signed.split(';').map((name) => `${name}:${headerText(request, name)}\n`);
  const payload = String(request.headers['x-amz-content-sha256'] ?? '');
  const canonical = [request.method, resource, parameters.join('&'), headers.join(''), signed, payload].join(
    '\n',
  );
  const scope = `${day}/${region}/${service}/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const signingKey = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, day), region), service), 'aws4_request');
  const expected = hmac(signingKey, ['AWS4-HMAC-SHA256', time, scope, digest].join('\n'));
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex')))
    throw new S3Error(403, 'SignatureDoesNotMatch');
}

function headerText(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replace(/\s+/g, ' ');
}

function checkTime(time: string, day: string, now: Date): void {
  const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const ms = Date.parse(iso);
  if (Number.isNaN(ms) || !time.startsWith(day)) throw new S3Error(403, 'AccessDenied');
  if (Math.abs(now.getTime() - ms) > SKEW_MS) throw new S3Error(403, 'RequestTimeTooSkewed');
}
