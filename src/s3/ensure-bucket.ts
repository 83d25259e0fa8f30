import { CreateBucketCommand, HeadBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ConfigError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { answerOf, remedyForNested } from './errors.ts';
import type { Store } from './store.ts';

/** @param region where a bucket that does not exist is created */
export function ensureBucketCall(connection: Connection, region: string): Store['ensureBucket'] {
  const { client, bucket, endpoint, call } = connection;

  /**
   * A key that may only list under its own prefixes may not HEAD the bucket, yet may do everything else. The answer
   * to a HEAD has no body to distinguish it from an unknown key.
   */
  async function assertKnown(signal: AbortSignal): Promise<void> {
    try {
      await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }), { abortSignal: signal });
    } catch (error) {
      if (answerOf(error).code !== 'AccessDenied') throw error;
    }
  }

  async function create(signal: AbortSignal): Promise<void> {
    try {
      await client.send(
        new CreateBucketCommand({
          Bucket: bucket,
          // AWS refuses us-east-1 as a constraint and requires every other region; other servers know only their
          // own.
          ...(/\.amazonaws\.com(\.cn)?$/.test(endpoint) && region !== 'us-east-1'
            ? { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } }
            : {}),
        }),
        { abortSignal: signal },
      );
    } catch (error) {
      // Another run was faster, or the answer to an earlier attempt was lost.
      if (answerOf(error).code !== 'BucketAlreadyOwnedByYou') throw error;
    }
  }

  return (signal) =>
    call(`cannot use bucket ${bucket}`, 's3:ListBucket and s3:CreateBucket', signal, async () => {
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal });
        return 'exists';
      } catch (error) {
        const { status } = answerOf(error);
        if (status === 403) {
          await assertKnown(signal);
          return 'exists';
        }
        if (status !== 404) throw error;
      }
      refuseNested(connection);
      await create(signal);
      return 'created';
    });
}

/**
 * An address that ends with the name of the bucket: the request to create it would make an object in it.
 *
 * @throws ConfigError
 */
function refuseNested({ endpoint, bucket }: Connection): void {
  const remedy = remedyForNested({ endpoint, bucket });
  if (remedy === undefined) return;
  throw new ConfigError({
    doing: `cannot use bucket ${bucket}`,
    problem: `the server has none under ${endpoint}, an address that ends with the name of the bucket`,
    remedy,
  });
}
