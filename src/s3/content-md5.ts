import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';

/** Content-MD5 of a body: its MD5 in base64 (RFC 1864). */
export function contentMd5(body: Buffer | string): string {
  return createHash('md5').update(body).digest('base64');
}

/** DeleteObjects has no parameter for it, and several servers refuse the request without it. */
export function addContentMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { request } = args as { request?: { headers: Record<string, string>; body?: unknown } };
      if (context.commandName === 'DeleteObjectsCommand' && request !== undefined) {
        request.headers['content-md5'] = contentMd5(Buffer.from(request.body as string | Uint8Array));
      }
      return next(args);
    },
    { step: 'build', name: 'contentMd5', priority: 'low' },
  );
}
