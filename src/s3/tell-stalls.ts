import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { HttpAnswer } from './answer-body.ts';
import { answerOf, describeFailure } from './errors.ts';

/** Which attempt at a request it is, as the SDK tells every server. */
const ATTEMPT = /attempt=(\d+); max=(\d+)/;

/**
 * Reports, once for each object until it is answered in time, that a request for it timed out and is made again, or that
 * the bytes of an answer stopped coming: what is done about it may take minutes. The last attempt's timeout is an error,
 * which its caller reports.
 *
 * @param tell receives one line
 */
export function tellStalls(client: S3Client, tell: (problem: string) => void): void {
  const told = new Set<string>();
  client.middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { readonly headers: Readonly<Record<string, string>> };
      const [, attempt, most] = ATTEMPT.exec(headers['amz-sdk-request'] ?? '') ?? [];
      const { Bucket, Key, Prefix } = args.input as Readonly<Record<string, string | undefined>>;
      const what = Key || Prefix || `bucket ${Bucket}`;
      const note = (happening: string, error: unknown) => {
        if (answerOf(error).code !== 'TimeoutError' || told.has(what)) return;
        told.add(what);
        tell(`${happening}: ${describeFailure(error)}`);
      };
      try {
        const result = await next(args);
        const { body } = result.response as HttpAnswer;
        const forget = () => told.delete(what);
        // Small ones may have been read already.
        if (body instanceof Readable) {
          const stopped = `the bytes of ${what} stopped coming`;
          body.once('error', (error) => note(stopped, error)).once('end', forget);
        } else forget();
        return result;
      } catch (error) {
        if (attempt !== most) note(`a request for ${what} is made again`, error);
        throw error;
      }
    },
    { step: 'deserialize', name: 'tellStalls', priority: 'low' },
  );
}
