import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { HttpAnswer } from './answer-body.ts';
import { answerOf, describeFailure } from './errors.ts';

/**
 * Reports, once for each object until it is answered in time, that a request for it timed out: the SDK makes it again,
 * or whoever reads the bytes does, and each time may take minutes.
 *
 * @param tell receives one line
 */
export function tellStalls(client: S3Client, tell: (problem: string) => void): void {
  const told = new Set<string>();
  client.middlewareStack.add(
    (next) => async (args) => {
      const { Bucket, Key, Prefix } = args.input as Readonly<Record<string, string | undefined>>;
      const what = Key || Prefix || `bucket ${Bucket}`;
      const note = (error: unknown) => {
        if (answerOf(error).code !== 'TimeoutError' || told.has(what)) return;
        told.add(what);
        tell(`a request for ${what} is made again: ${describeFailure(error)}`);
      };
      try {
        const result = await next(args);
        const { body } = result.response as HttpAnswer;
        const forget = () => told.delete(what);
        // Small ones may have been read already.
        if (body instanceof Readable) body.once('error', note).once('end', forget);
        else forget();
        return result;
      } catch (error) {
        note(error);
        throw error;
      }
    },
    { step: 'deserialize', name: 'tellStalls', priority: 'low' },
  );
}
