import { isCertificateCode, OperatorError, StoreError } from '../errors.ts';
import { formatDuration } from '../ui/format.ts';

/** The server's answer, or the failure of the connection, behind an error of the SDK. */
export interface Answer {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** S3 error code such as `NoSuchKey`, or a socket error's such as `ECONNREFUSED`. */
  readonly code: string;
}

/** What answered breaks S3's rules, or is no S3 server at all, although the status says that all is well. */
export class UnlikeS3Error extends Error {}

/** @param error whatever was thrown; where it has no code, that is `unknown error` */
export function answerOf(error: unknown): Answer {
  const { $metadata, name, code, Code } = (error ?? {}) as {
    $metadata?: { httpStatusCode?: number };
    name?: string;
    code?: unknown;
    Code?: unknown;
  };
  const spelled = [Code, code, name].find((text) => typeof text === 'string' && text !== '') as
    | string
    | undefined;
  return { status: $metadata?.httpStatusCode, code: spelled ?? 'unknown error' };
}

const REMEDIES: Readonly<Record<string, string>> = {
  // Swift says so of an unknown access key too.
  SignatureDoesNotMatch: 'check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID',
  InvalidAccessKeyId: 'check AWS_ACCESS_KEY_ID',
  RequestTimeTooSkewed: 'set this machine’s clock',
  NoSuchBucket: 'check AWS_STORAGE_BUCKET_NAME',
  InvalidBucketName: 'check AWS_STORAGE_BUCKET_NAME',
  BucketAlreadyExists: 'the bucket belongs to another owner: choose another name for AWS_STORAGE_BUCKET_NAME',
  PermanentRedirect: 'check S3_REGION and AWS_S3_ENDPOINT_URL',
  AuthorizationHeaderMalformed: 'check S3_REGION',
  IllegalLocationConstraintException: 'check S3_REGION',
  InvalidLocationConstraint: 'check S3_REGION',
  InvalidToken: 'check AWS_SESSION_TOKEN',
  ExpiredToken: 'renew AWS_SESSION_TOKEN and its access key',
  NoSuchUpload: 'something else ended the upload: check the bucket’s lifecycle rules, and run again',
  InvalidPart: 'the server lost a part: run again, and see its log',
  EntityTooLarge: 'check the maximum object size in the S3 server’s settings',
  ECONNREFUSED: 'check AWS_S3_ENDPOINT_URL, and that the server is running',
  ENOTFOUND: 'check AWS_S3_ENDPOINT_URL',
  EAI_AGAIN: 'check AWS_S3_ENDPOINT_URL and DNS',
  ETIMEDOUT: 'check AWS_S3_ENDPOINT_URL and the firewall',
  TimeoutError: 'check AWS_S3_ENDPOINT_URL and the network',
  ECONNRESET: 'check the network and the S3 server’s log',
  EPIPE: 'check the network and the S3 server’s log',
  EPROTO: 'check whether AWS_S3_ENDPOINT_URL should be https or http',
  ERR_SSL_WRONG_VERSION_NUMBER: 'check whether AWS_S3_ENDPOINT_URL should be https or http',
  InsufficientCapacity: 'free space on the S3 server',
  QuotaExceeded: 'free space in the bucket, or raise its quota',
};

/**
 * An error of the SDK as a StoreError.
 *
 * @param doing what was being done, to what: `cannot read backup/x.sql from bucket b`
 * @param permission the right that the call needs, such as `s3:PutObject on backup/*`, for a 403
 */
export function storeError(doing: string, error: unknown, permission: string): Error {
  if (error instanceof OperatorError) return error;
  const { status, code } = answerOf(error);
  // The SDK could not read what came with a status that says that all is well.
  const isUnlikeS3 = error instanceof UnlikeS3Error || (status !== undefined && status < 300);
  if (isUnlikeS3) {
    return new StoreError({
      doing,
      problem: error instanceof UnlikeS3Error ? error.message : 'the answer is not one that S3 sends',
      remedy: 'check AWS_S3_ENDPOINT_URL',
      cause: error,
    });
  }
  return new StoreError({
    doing,
    problem: describe(status, code, error),
    remedy: remedyOf(status, code, permission),
    cause: error,
  });
}

/**
 * That a key, free when a write began, has come to hold an object of another writer.
 *
 * @param doing what was being done, to what: `cannot write backup/x.sql to bucket b`
 */
export function overtakenError(doing: string): StoreError {
  return new StoreError({
    doing,
    problem: 'an object with that name was created in the meantime; it was left untouched',
    remedy: 'run one backup at a time, or give each database its own S3_PREFIX',
  });
}

function describe(status: number | undefined, code: string, error: unknown): string {
  const message =
    error instanceof AggregateError ? undefined : (error as { message?: string } | null)?.message;
  if (status !== undefined) return spellAnswer(status, code);
  if (message === undefined || message === '' || message === code) return code;
  const idle = /timed out after (\d+) ms of inactivity/.exec(message)?.[1];
  if (idle !== undefined) return `the server sent nothing for ${formatDuration(Number(idle))}`;
  // The name of an error that is of no kind.
  return code === 'Error' ? message : `${code}, ${message}`;
}

/** `503 SlowDown`, or `HTTP 503`: an answer to HEAD has no body, so there is but the status to name it by. */
export function spellAnswer(status: number, code: string): string {
  return isUnnamed(code) ? `HTTP ${status}` : `${status} ${code}`;
}

/** Whether it is known what to do at this error, which so does not pass by itself. */
export function hasRemedy(code: string): boolean {
  return REMEDIES[code] !== undefined;
}

/** The SDK could not read what is no XML, such as the page of a proxy: its own error has no code of S3's. */
function isUnnamed(code: string): boolean {
  return /Unknown|^(\d+|(Syntax|Type)?Error)$/.test(code);
}

function remedyOf(status: number | undefined, code: string, permission: string): string {
  const known = REMEDIES[code];
  if (known !== undefined) return known;
  if (isCertificateCode(code)) {
    return 'set NODE_EXTRA_CA_CERTS to the CA’s certificate file, or set AWS_S3_VERIFY=False';
  }
  if (status === 403) return `check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the key needs ${permission}`;
  // A HEAD is answered without a body that would name the error: the SDK calls a 404 so, and AWS tells a wrong region
  // by a 400.
  if (status === 404 && (isUnnamed(code) || code === 'NotFound')) return 'check AWS_STORAGE_BUCKET_NAME';
  if (status === 302 || status === 307 || status === 308) {
    return 'check AWS_S3_ENDPOINT_URL, and whether it should be https or http';
  }
  if (status === 301 || (status === 400 && isUnnamed(code))) return 'check S3_REGION and AWS_S3_ENDPOINT_URL';
  return status === undefined ? 'check AWS_S3_ENDPOINT_URL and the network' : 'see the S3 server’s log';
}
