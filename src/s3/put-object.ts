import { randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { type Connection, retryPassing, WRITE_ID } from './connection.ts';
import { answerOf } from './errors.ts';
import { contentMd5 } from './request-headers.ts';
import type { Store, StoredObject } from './store.ts';

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
  /** @param condition `If-None-Match`, or nothing */
  async function putOnce(
    key: string,
    body: Buffer,
    { contentType, writeId, signal, ...condition }: PutOptions & { readonly IfNoneMatch?: '*' },
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

  async function putIfAbsent(key: string, body: Buffer, options: PutOptions): Promise<boolean> {
    try {
      await putOnce(key, body, { ...options, IfNoneMatch: '*' });
      return true;
    } catch (error) {
      const { status } = answerOf(error);
      if (status !== 412 && status !== 501) throw error;
      const present = await head(key, options.signal);
      // A retry of a request whose answer was lost also finds the object: its own.
      if (status === 412) return present?.writeId === options.writeId;
      if (present !== undefined) return false;
    }
    await putOnce(key, body, options);
    return true;
  }

  return (key, body, { ifAbsent, contentType, signal }) => {
    // One for all attempts of the call: an earlier one may have written the object without getting an answer.
    const options = { contentType, writeId: randomUUID(), signal };
    return call(`cannot write ${key} to bucket ${bucket}`, `s3:PutObject on ${key}`, signal, async () => {
      if (ifAbsent) return putIfAbsent(key, body, options);
      await putOnce(key, body, options);
      return true;
    });
  };
}
