import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';

/** Content-MD5 of a body: its MD5 in base64 (RFC 1864). */
export function contentMd5(body: Buffer | string): string {
  return createHash('md5').update(body).digest('base64');
}

/** Request headers per command for which the SDK has no parameter. */
const HEADERS: Readonly<Record<string, (body: unknown) => Readonly<Record<string, string>>>> = {
  // Several servers refuse the request without it.
  DeleteObjectsCommand: (body) => ({ 'content-md5': contentMd5(Buffer.from(body as string | Uint8Array)) }),
  // When deleting a version that hides another, Swift 2.30 waits for a body unless a length is given.
  DeleteObjectCommand: () => ({ 'content-length': '0' }),
  // A part's signed Content-MD5 already binds its body to the signature (Signature Version 4); SHA-256 would be a
  // third hash over the same bytes.
  UploadPartCommand: () => ({ 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
};

/** Makes the client send these headers, signed like all others. */
export function addHeaders(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { request } = args as { request?: { headers: Record<string, string>; body?: unknown } };
      const headersOf = HEADERS[context.commandName ?? ''];
      if (request !== undefined) Object.assign(request.headers, headersOf?.(request.body));
      return next(args);
    },
    { step: 'build', name: 'headers', priority: 'low' },
  );
}
