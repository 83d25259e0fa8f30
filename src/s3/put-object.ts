import { randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { type Connection, retryPassing, WRITE_ID } from './connection.ts';
import { answerOf } from './errors.ts';
import { contentMd5 } from './request-headers.ts';
import type { Store, StoredObject } from './store.ts';

type Condition = { readonly IfNoneMatch?: '*' } | { readonly IfMatch?: string };

interface PutOptions {
  readonly contentType: string;
  readonly writeId: string;
  readonly signal: AbortSignal;
}

/** @param head looks an object up */
export function putCall(
  { client, bucket, call }: Connection,
  head: (key: string, signal: AbortSignal) => Promise<StoredObject | undefined>,
): Store['put'] {
  /** @param condition `If-None-Match`, `If-Match`, or nothing */
  async function putOnce(
    key: string,
    body: Buffer,
    { contentType, writeId, signal, ...condition }: PutOptions & Condition,
  ): Promise<void> {
    const send = () =>
      client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentMD5: contentMd5(body),
          ContentType: contentType,
          Metadata: { [WRITE_ID]: writeId },
          ...condition,
        }),
        { abortSignal: signal },
      );
    await retryPassing(send, signal);
  }

  /**
   * Before an object is to be new, it is looked up: some servers ignore that condition (Ceph RGW in a bucket that keeps
   * versions), and only writers that race may slip past the lookup.
   *
   * @param etag of the object to be overwritten; undefined if there must be none
   */
  async function putIf(
    etag: string | undefined,
    key: string,
    body: Buffer,
    options: PutOptions,
  ): Promise<boolean> {
    // RGW compares what it is sent, quotes and all, with the ETag; others take it with and without quotes.
    const condition: Condition = etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag };
    if (etag === undefined) {
      const present = await head(key, options.signal);
      if (present !== undefined) return present.writeId === options.writeId;
    }
    try {
      await putOnce(key, body, { ...options, ...condition });
      return true;
    } catch (error) {
      const { status, code } = answerOf(error);
      // AWS answers NoSuchKey if there is nothing to match.
      if (status !== 412 && status !== 501 && code !== 'NoSuchKey') throw error;
      const present = await head(key, options.signal);
      // A retry of a request whose answer was lost also finds the object: its own.
      if (present?.writeId === options.writeId) return true;
      const isExpected = present?.etag === etag && (status !== 412 || etag !== undefined);
      if (!isExpected) return false;
      // The server does not understand the condition.
    }
    await putOnce(key, body, options);
    return true;
  }

  return (key, body, { ifAbsent, ifMatch, contentType, signal }) => {
    // One for all attempts of the call: an earlier one may have written the object without getting an answer.
    const options = { contentType, writeId: randomUUID(), signal };
    return call(`cannot write ${key} to bucket ${bucket}`, `s3:PutObject on ${key}`, signal, async () => {
      if (ifAbsent || ifMatch !== undefined) return putIf(ifMatch, key, body, options);
      await putOnce(key, body, options);
      return true;
    });
  };
}
