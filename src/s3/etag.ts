import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';

/**
 * A server's ETag as it gave it. A proxy that may compress what passes marks it as weak (RFC 9110, 8.8.1), although the
 * bytes are those of the same object, and the server does not know it so.
 */
export function strongEtag(given: string): string {
  return given.replace(/^W\//, '');
}

/** A server's ETag without the surrounding quotes; '' if there is none. */
export function bareEtag(given: string | undefined): string {
  return strongEtag(given ?? '').replaceAll('"', '');
}

/**
 * Whether an object's encryption makes its ETag something other than the MD5 of its bytes, and different for each
 * copy. SSE-S3 (`AES256`) does not.
 */
export function hidesMd5({
  ServerSideEncryption,
  SSECustomerAlgorithm,
}: Pick<HeadObjectCommandOutput, 'ServerSideEncryption' | 'SSECustomerAlgorithm'>): boolean {
  return SSECustomerAlgorithm !== undefined || (ServerSideEncryption?.startsWith('aws:kms') ?? false);
}
