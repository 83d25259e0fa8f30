import { DeleteObjectsCommand, type _Error as Refusal, type S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../errors.ts';

/** Most keys of one DeleteObjects request. */
const BATCH = 1000;

/** Most keys that one message names. */
const NAMED_KEYS = 10;

/**
 * DeleteObjects, batch by batch. What the server refuses keeps no other key from being deleted.
 *
 * @param call runs one request and turns what it throws into the operator's errors
 * @throws StoreError that names the refused keys
 */
export async function deleteObjects(
  call: (doing: string, work: () => Promise<void>) => Promise<void>,
  request: {
    readonly client: S3Client;
    readonly bucket: string;
    readonly keys: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { client, bucket, keys, signal } = request;
  const refused: Refusal[] = [];
  for (let start = 0; start < keys.length; start += BATCH) {
    const batch = keys.slice(start, start + BATCH);
    const doing = `cannot delete ${batch.length === 1 ? batch[0] : `${batch.length} objects`} from bucket ${bucket}`;
    await call(doing, async () => {
      const answer = await client.send(
        new DeleteObjectsCommand({
          Bucket: bucket,
          Delete: { Objects: batch.map((Key) => ({ Key })), Quiet: true },
        }),
        { abortSignal: signal },
      );
      refused.push(...(answer.Errors ?? []));
    });
  }
  if (refused.length > 0) throw refusedError(bucket, refused);
}

function refusedError(bucket: string, refused: readonly Refusal[]): StoreError {
  const keys = refused.flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
  const named = keys.slice(0, NAMED_KEYS).join(', ');
  const more = keys.length > NAMED_KEYS ? ` and ${keys.length - NAMED_KEYS} more` : '';
  return new StoreError({
    doing: `cannot delete ${named}${more} from bucket ${bucket}`,
    problem: [...new Set(refused.map(({ Code }) => Code ?? 'refused'))].join(', '),
    remedy: 'the key needs s3:DeleteObject there',
    keys,
  });
}
