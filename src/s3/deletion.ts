import { setTimeout as delay } from 'node:timers/promises';
import { DeleteObjectsCommand, type _Error as Refusal } from '@aws-sdk/client-s3';
import { StoreError } from '../errors.ts';
import { formatFirst } from '../ui/format.ts';
import type { Connection } from './connection.ts';

/** Most keys in one DeleteObjects request. */
const BATCH = 1000;

/** How often to try a key whose refusal may pass. */
const ATTEMPTS = 4;

/** Codes of refusals that may pass; if a whole request is refused with one, the SDK retries it. */
const PASSING = new Set([
  'InternalError',
  'ServiceUnavailable',
  'SlowDown',
  'RequestTimeout',
  'OperationAborted',
]);

/** Most keys to name in one message. */
const NAMED_KEYS = 10;

/**
 * DeleteObjects, batch by batch. A refused key does not keep others from being deleted.
 *
 * @throws StoreError naming the refused keys, as far as the server does
 */
export async function deleteObjects(
  connection: Connection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { bucket, call } = connection;
  const refused: Refusal[] = [];
  for (let start = 0; start < keys.length; start += BATCH) {
    let left = keys.slice(start, start + BATCH);
    const doing = `cannot delete ${left.length === 1 ? left[0] : `${left.length} objects`} from bucket ${bucket}`;
    for (let attempt = 1; left.length > 0; attempt++) {
      const refusals = await call(doing, 's3:DeleteObject', signal, async () => {
        if (attempt > 1) await delay(100 * 2 ** attempt, undefined, { signal });
        return deleteBatch(connection, left, signal);
      });
      const passing = refusals.filter(({ Code = '' }) => PASSING.has(Code) && attempt < ATTEMPTS);
      refused.push(...refusals.filter((refusal) => !passing.includes(refusal)));
      // A refusal that names no key may concern any of them.
      if (passing.every(isNamed)) left = keysOf(passing);
    }
  }
  if (refused.length > 0) throw refusedError(bucket, refused);
}

/** Sends one request and returns the refusals. */
async function deleteBatch(
  { client, bucket }: Connection,
  keys: readonly string[],
  signal: AbortSignal,
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

/** If any refused key is unknown, the error lists none: a caller must not take the others for deleted. */
function refusedError(bucket: string, refused: readonly Refusal[]): StoreError {
  const keys = refused.every(isNamed) ? keysOf(refused) : [];
  const what = keys.length === 0 ? 'some objects' : formatFirst(keys, NAMED_KEYS);
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
