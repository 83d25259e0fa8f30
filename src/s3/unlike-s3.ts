import type { S3Client } from '@aws-sdk/client-s3';
import { type HttpAnswer, readBody } from './answer-body.ts';
import { UnlikeS3Error } from './errors.ts';

/**
 * What the answers to these commands are made of. The SDK takes a document of any other kind, such as the page of a
 * proxy, for one that leaves everything out: a listing of nothing, a deletion of all.
 */
const ROOTS: Readonly<Record<string, { readonly root: string; readonly kind: string }>> = {
  ListObjectsV2Command: { root: 'ListBucketResult', kind: 'listing' },
  ListObjectVersionsCommand: { root: 'ListVersionsResult', kind: 'listing' },
  ListMultipartUploadsCommand: { root: 'ListMultipartUploadsResult', kind: 'listing' },
  DeleteObjectsCommand: { root: 'DeleteResult', kind: 'deletion result' },
  GetBucketVersioningCommand: { root: 'VersioningConfiguration', kind: 'versioning status' },
};

/** Before the name of the root there are but a declaration and comments, so this many bytes reach beyond it. */
const BEGINNING_BYTES = 4096;

const BEGINNING = /^\s*(?:<\?[^>]*>\s*|<!--[\s\S]*?-->\s*)*<([^\s<>/]+)/;

/** Has the client throw an {@link UnlikeS3Error} where what is to tell of a bucket is another document. */
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
 * What an answer has to tell. Where it does not, nothing may stand for it: an object of no bytes and no age is one to be
 * removed.
 *
 * @param name as S3 calls it: `LastModified`
 * @throws UnlikeS3Error where it is left out
 */
export function given<T>(value: T | undefined, name: string): T {
  if (value === undefined || value === '') throw new UnlikeS3Error(`the answer lacks ${name}`);
  return value;
}

/**
 * Where the page after this one begins; undefined after the last page.
 *
 * @param page as it was answered
 * @param asked where this page was asked to begin
 * @param next where it says that the next one begins
 * @throws UnlikeS3Error where the listing is not at its end, and does not tell how it goes on, or goes round in a circle
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
