import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from '@aws-sdk/client-s3';
import { StoreError } from '../errors.ts';
import { type Connection, WRITE_ID } from './connection.ts';
import { answerOf, isForbidden, UnlikeS3Error } from './errors.ts';
import { bareEtag, hidesMd5 } from './etag.ts';
import type { ByteRange, Store, StoredObject } from './store.ts';
import { given } from './unlike-s3.ts';

/** HEAD and GET of an object. */
export function readCalls(
  { client, bucket, call }: Connection,
  list: Store['list'],
): Pick<Store, 'head' | 'headVersion' | 'get'> {
  async function isListed(key: string, signal: AbortSignal): Promise<boolean> {
    for await (const first of list(key, { signal })) return first.key === key;
    return false;
  }

  /**
   * An access key that may list only under its own prefixes is refused an object that is not there, as if it might not
   * read it; the listing tells which of both is so.
   */
  async function unlessAbsent<T>(
    key: string,
    signal: AbortSignal,
    answer: Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (!isForbidden(error)) throw error;
      const mayBeThere = await isListed(key, signal).catch((other: unknown) => {
        if (other instanceof StoreError) return true;
        throw other;
      });
      if (mayBeThere) throw error;
      return undefined;
    }
  }

  async function head(
    key: string,
    signal: AbortSignal,
    version: { readonly VersionId?: string } = {},
  ): Promise<StoredObject | undefined> {
    return call(`cannot look up ${key} in bucket ${bucket}`, `s3:GetObject on ${key}`, signal, async () => {
      try {
        const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...version }), {
          abortSignal: signal,
        });
        return storedObject(key, answer);
      } catch (error) {
        const { status } = answerOf(error);
        // For a version: an invalid id (400), or a delete marker (405).
        if (status === 404 || (version.VersionId !== undefined && (status === 400 || status === 405)))
          return undefined;
        throw error;
      }
    });
  }

  async function get(
    key: string,
    range: ByteRange | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly info: StoredObject; readonly body: Readable } | undefined> {
    return call(`cannot read ${key} from bucket ${bucket}`, `s3:GetObject on ${key}`, signal, async () => {
      try {
        const answer = await client.send(
          new GetObjectCommand({
            Bucket: bucket,
            Key: key,
            ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
          }),
          { abortSignal: signal },
        );
        const body = answer.Body as Readable;
        try {
          if (range !== undefined) checkRange(range, answer.ContentRange);
          return { info: storedObject(key, answer), body };
        } catch (error) {
          body.destroy();
          throw error;
        }
      } catch (error) {
        if (answerOf(error).code === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  return {
    head: (key, signal) => unlessAbsent(key, signal, head(key, signal)),

    headVersion: (key, VersionId, signal) => head(key, signal, { VersionId }),

    get: (key, { range, signal }) => unlessAbsent(key, signal, get(key, range, signal)),
  };
}

/** A resumed read takes the bytes for those that it asked for. */
function checkRange({ start }: ByteRange, contentRange: string | undefined): void {
  if (contentRange === undefined) {
    throw new UnlikeS3Error('the server returned the whole object instead of the range');
  }
  const [, first] = /^\s*bytes[ =]+(\d+)-/i.exec(contentRange) ?? [];
  if (Number(first) !== start) {
    throw new UnlikeS3Error(`the server returned a different range than requested: ${contentRange}`);
  }
}

function storedObject(
  key: string,
  answer: Pick<
    GetObjectCommandOutput,
    | 'ContentLength'
    | 'ContentRange'
    | 'LastModified'
    | 'ETag'
    | 'Metadata'
    | 'ServerSideEncryption'
    | 'SSECustomerAlgorithm'
  >,
): StoredObject {
  // `bytes 0-9/100` for a range; Content-Length is then the length of the range.
  const whole = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
  return {
    key,
    bytes: whole === undefined ? given(answer.ContentLength, 'Content-Length') : Number(whole),
    lastModified: given(answer.LastModified, 'Last-Modified'),
    etag: bareEtag(answer.ETag),
    writeId: answer.Metadata?.[WRITE_ID],
    hidesMd5: hidesMd5(answer),
  };
}
