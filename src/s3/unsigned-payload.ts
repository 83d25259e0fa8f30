import type { S3Client } from '@aws-sdk/client-s3';

/**
 * Parts are sent as `UNSIGNED-PAYLOAD` (Signature Version 4): their signed Content-MD5 already binds the body to the
 * signature, and a SHA-256 of each part would be the third hash over the same bytes.
 */
export function leavePartsUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { request } = args as { request?: { headers: Record<string, string> } };
      if (context.commandName === 'UploadPartCommand' && request !== undefined) {
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      }
      return next(args);
    },
    { step: 'build', name: 'leavePartsUnsigned', priority: 'low' },
  );
}
