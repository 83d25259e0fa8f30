import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';

/** A server's ETag without the quotes around it; '' where it gave none. */
export function bareEtag(given: string | undefined): string {
  return (given ?? '').replaceAll('"', '');
}

/**
 * Whether an object's encryption makes its ETag no MD5 of its bytes, and another one for each copy. That of SSE-S3
 * (`AES256`) does not.
 */
export function hidesMd5({
  ServerSideEncryption,
  SSECustomerAlgorithm,
}: Pick<HeadObjectCommandOutput, 'ServerSideEncryption' | 'SSECustomerAlgorithm'>): boolean {
  return SSECustomerAlgorithm !== undefined || (ServerSideEncryption?.startsWith('aws:kms') ?? false);
}
