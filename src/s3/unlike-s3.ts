import type { S3Client } from '@aws-sdk/client-s3';
import { type HttpAnswer, readBody } from './answer-body.ts';
import { UnlikeS3Error } from './errors.ts';

/**
 * The root elements of the answers to these commands. The SDK reads any other document, even a proxy's page, as one
 * with everything left out: an empty listing, a deletion of everything.
 */
const ROOTS: Readonly<Record<string, { readonly root: string; readonly kind: string }>> = {
  ListObjectsV2Command: { root: 'ListBucketResult', kind: 'listing' },
  ListObjectVersionsCommand: { root: 'ListVersionsResult', kind: 'listing' },
  ListMultipartUploadsCommand: { root: 'ListMultipartUploadsResult', kind: 'listing' },
  DeleteObjectsCommand: { root: 'DeleteResult', kind: 'deletion result' },
  GetBucketVersioningCommand: { root: 'VersioningConfiguration', kind: 'versioning status' },
};

/** Only a declaration and comments precede the root's name, so this many bytes reach beyond it. */
const BEGINNING_BYTES = 4096;

const BEGINNING = /^\s*(?:<\?[^>]*>\s*|<!--[\s\S]*?-->\s*)*<([^\s<>/]+)/;

/** Makes the client throw an {@link UnlikeS3Error} if an answer about a bucket is some other document. */
export function refuseOtherDocuments(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const expected = ROOTS[context.commandName ?? ''];
      const answer = result.response as HttpAnswer;
      if (expected === undefined || answer.statusCode >= 300) return result;
      const body = await readBody(answer);
      const root = BEGINNING.exec(body.toString('latin1', 0, BEGINNING_BYTES))?.[1];
      if (root !== expected.root) {
        throw new UnlikeS3Error(`the answer is not a ${expected.kind}: expected ${expected.root}`);
      }
      return result;
    },
    { step: 'deserialize', name: 'refuseOtherDocuments', priority: 'low' },
  );
}

/**
 * A value that the answer must contain. No default may replace a missing one: an object of no bytes and no age would
 * look due for removal.
 *
 * @param name as S3 calls it: `LastModified`
 * @throws UnlikeS3Error if it is missing
 */
export function given<T>(value: T | undefined, name: string): T {
  if (value === undefined || value === '') throw new UnlikeS3Error(`the answer lacks ${name}`);
  return value;
}

/**
 * Where the page after this one begins; undefined after the last page.
 *
 * @param page the page as received
 * @param asked where this page was requested to begin
 * @param next where the page says that the next one begins
 * @throws UnlikeS3Error if the listing is truncated but does not say how it continues, or would go round in a circle
 */
export function nextPage<M>(
  page: { readonly IsTruncated?: boolean | undefined },
  asked: M | undefined,
  next: M | undefined,
): M | undefined {
  if (page.IsTruncated !== true) return undefined;
  if (next === undefined || next === '' || JSON.stringify(next) === JSON.stringify(asked)) {
    throw new UnlikeS3Error('the listing is truncated but gives no valid continuation');
  }
  return next;
}
