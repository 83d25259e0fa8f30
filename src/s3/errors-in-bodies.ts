import type { S3Client } from '@aws-sdk/client-s3';
import { type HttpAnswer, readBody } from './answer-body.ts';

/** Calls whose answer starts with a 200 before the work is done, and may end in an error (S3 API reference). */
const ANSWERED_EARLY = new Set([
  'CopyObjectCommand',
  'UploadPartCopyCommand',
  'CompleteMultipartUploadCommand',
]);

/** The status that S3 gives each error when it sends one (S3 API reference, "Error Responses"). */
const STATUSES: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  ConditionalRequestConflict: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  InvalidArgument: 400,
  InvalidObjectState: 403,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRequest: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  ObjectNotInActiveTierError: 403,
  OperationAborted: 409,
  PreconditionFailed: 412,
  RequestTimeout: 400,
  ServiceUnavailable: 503,
  SlowDown: 503,
};

/** Status for an unknown error: the server's own fault, which may pass. */
const SERVER_ERROR = 500;

const ERROR = /<Error\b[\s\S]*?<Code>([^<]*)<\/Code>[\s\S]*<\/Error>\s*$/;

/**
 * Gives an error in the body of a 200 the status that belongs to its code. The SDK takes each of them for a 503, as
 * from a busy server: a refusal would be waited for, and a missing object could not be distinguished from a failure.
 */
export function nameErrorsInBodies(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const answer = result.response as HttpAnswer;
      if (!ANSWERED_EARLY.has(context.commandName ?? '') || answer.statusCode >= 300) return result;
      const code = ERROR.exec((await readBody(answer)).toString())?.[1];
      if (code !== undefined) answer.statusCode = STATUSES[code] ?? SERVER_ERROR;
      return result;
    },
    { step: 'deserialize', name: 'nameErrorsInBodies', priority: 'low' },
  );
}
