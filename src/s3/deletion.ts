import { setTimeout as delay } from 'node:timers/promises';
import { DeleteObjectsCommand, type _Error as Refusal, type S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../errors.ts';

/** Most keys of one DeleteObjects request. */
const BATCH = 1000;

/** How often a key is asked for whose refusal may pass. */
const ATTEMPTS = 4;

/** Codes of refusals that may pass; of whole requests they are retried by the SDK. */
const PASSING = new Set([
  'InternalError',
  'ServiceUnavailable',
  'SlowDown',
  'RequestTimeout',
  'OperationAborted',
]);

/** Most keys that one message names. */
const NAMED_KEYS = 10;

interface DeletionArea {
  readonly client: S3Client;
  readonly bucket: string;
  readonly signal: AbortSignal;
}

/**
 * DeleteObjects, batch by batch. What the server refuses keeps no other key from being deleted.
 *
 * @param call runs one request and turns what it throws into the operator's errors
 * @throws StoreError that names the refused keys, as far as the server does
 */
export async function deleteObjects(
  call: <T>(doing: string, work: () => Promise<T>) => Promise<T>,
  request: DeletionArea & { readonly keys: readonly string[] },
): Promise<void> {
  const { bucket, keys, signal } = request;
  const refused: Refusal[] = [];
  for (let start = 0; start < keys.length; start += BATCH) {
    let left = keys.slice(start, start + BATCH);
    const doing = `cannot delete ${left.length === 1 ? left[0] : `${left.length} objects`} from bucket ${bucket}`;
    for (let attempt = 1; left.length > 0; attempt++) {
      const refusals = await call(doing, async () => {
        if (attempt > 1) await delay(100 * 2 ** attempt, undefined, { signal });
        return deleteBatch(request, left);
      });
      const passing = refusals.filter(({ Code = '' }) => PASSING.has(Code) && attempt < ATTEMPTS);
      refused.push(...refusals.filter((refusal) => !passing.includes(refusal)));
      // One that names no key may be of any.
      if (passing.every(isNamed)) left = keysOf(passing);
    }
  }
  if (refused.length > 0) throw refusedError(bucket, refused);
}

/** One request; returns what it was refused. */
async function deleteBatch(
  { client, bucket, signal }: DeletionArea,
  keys: readonly string[],
): Promise<readonly Refusal[]> {
  const answer = await client.send(
    new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
    }),
    { abortSignal: signal },
  );
  return answer.Errors ?? [];
}

const isNamed = ({ Key }: Refusal) => Key !== undefined;

const keysOf = (refusals: readonly Refusal[]) => [
  ...new Set(refusals.flatMap(({ Key }) => (Key === undefined ? [] : [Key]))),
];

/** Where it is not known which keys were refused the error has none: who takes the others for deleted would be wrong. */
function refusedError(bucket: string, refused: readonly Refusal[]): StoreError {
  const keys = refused.every(isNamed) ? keysOf(refused) : [];
  const more = keys.length > NAMED_KEYS ? ` and ${keys.length - NAMED_KEYS} more` : '';
  const what = keys.length === 0 ? 'some objects' : `${keys.slice(0, NAMED_KEYS).join(', ')}${more}`;
  return new StoreError({
    doing: `cannot delete ${what} from bucket ${bucket}`,
    problem: [...new Set(refused.map(({ Code }) => Code ?? 'refused'))].join(', '),
    remedy: remedyOf(refused),
    keys,
  });
}

function remedyOf(refused: readonly Refusal[]): string {
  if (refused.some(({ Code = '' }) => !PASSING.has(Code))) {
    return 'the key needs s3:DeleteObject there, and no Object Lock may protect the objects';
  }
  return 'the S3 server was too busy or failed: see its log, and run again';
}
