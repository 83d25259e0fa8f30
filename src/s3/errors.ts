import { isCertificateCode, OperatorError, StoreError } from '../errors.ts';
import { formatDuration } from '../ui/format.ts';

/** The server's answer, or the connection failure, behind an SDK error. */
export interface Answer {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** S3 error code (`NoSuchKey`), or a socket error's (`ECONNREFUSED`). */
  readonly code: string;
}

/** The answer breaks S3's rules, or does not come from an S3 server at all, although its status reports success. */
export class UnlikeS3Error extends Error {}

/** @param error anything thrown; without a code of its own, it gets `unknown error` */
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

/** Whether a connection was given up before it was made, so that nothing of the request was sent. */
export function isConnectTimeout(error: unknown): boolean {
  const { name, message, code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  // Node tells of all addresses of a host at once in an AggregateError, and only if it could connect to none.
  if (code === 'ETIMEDOUT') return syscall === 'connect' || error instanceof AggregateError;
  return name === 'TimeoutError' && /did not establish a connection/.test(message);
}

/** Whether the server refused an operation with 403, as to a caller without the right. */
export function isForbidden(error: unknown): boolean {
  return error instanceof StoreError && answerOf(error.cause).status === 403;
}

/** What S3 answers for an object that it could return only after retrieving it from an archive, such as S3 Glacier. */
const ARCHIVED = new Set(['InvalidObjectState', 'ObjectNotInActiveTierError']);

/** Whether an object was refused because it is in an archive. The status is 403, like that for an unauthorised caller. */
export function isArchived(error: unknown): boolean {
  return error instanceof StoreError && ARCHIVED.has(answerOf(error.cause).code);
}

const RETRIEVE =
  'a lifecycle rule has moved the object to an archive: retrieve it (S3 RestoreObject), and exclude it from that rule';

const REMEDIES: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...ARCHIVED].map((code) => [code, RETRIEVE])),
  // Swift sends this for an unknown access key too.
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

const KEEP_HOST = 'set S3_FORCE_PATH_STYLE=1, or check AWS_S3_ENDPOINT_URL and DNS';

/** The bucket that a request was about, and the server's address. */
export interface Addressed {
  readonly bucket: string;
  /** For messages: `https://s3.example.org`. */
  readonly endpoint: string;
}

/** What to do about an address whose path ends with the name of the bucket; undefined for any other. */
export function remedyForNested({ bucket, endpoint }: Addressed): string | undefined {
  // The server itself may have that name too, such as `minio`.
  if (!new URL(endpoint).pathname.endsWith(`/${bucket}`)) return undefined;
  return `set AWS_S3_ENDPOINT_URL to ${endpoint.slice(0, -bucket.length - 1)}`;
}

/** What to do if a request may have gone to another address than that of the bucket; undefined if it did not. */
function remedyForAddress(error: unknown, isUnlikeS3: boolean, to: Addressed): string | undefined {
  const { code, hostname } = (error ?? {}) as { readonly code?: unknown; readonly hostname?: string };
  // The name of the bucket may have been put before that of the host.
  const isUnknown = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  if (isUnknown && hostname?.startsWith(`${to.bucket}.`) === true) return KEEP_HOST;
  // To the server, the name of the bucket is that of an object if the address has it too.
  return isUnlikeS3 || answerOf(error).code === 'NoSuchKey' ? remedyForNested(to) : undefined;
}

/**
 * Turns an SDK error into a StoreError.
 *
 * @param doing what was being done, to what: `cannot read backup/x.sql from bucket b`
 * @param permission the right that the call needs, for a 403: `s3:PutObject on backup/*`
 * @param to if the error may come from the address that the request was sent to
 */
export function storeError(doing: string, error: unknown, permission: string, to?: Addressed): Error {
  if (error instanceof OperatorError) return error;
  const { status, code } = answerOf(error);
  // The status reports success, but the SDK could not read what came with it.
  const isUnlikeS3 = error instanceof UnlikeS3Error || (status !== undefined && status < 300);
  const readdress = to === undefined ? undefined : remedyForAddress(error, isUnlikeS3, to);
  if (isUnlikeS3) {
    return new StoreError({
      doing,
      problem: error instanceof UnlikeS3Error ? error.message : 'the answer is not one that S3 sends',
      remedy: readdress ?? 'check AWS_S3_ENDPOINT_URL',
      cause: error,
    });
  }
  return new StoreError({
    doing,
    problem: describeFailure(error),
    remedy: readdress ?? remedyOf(status, code, permission),
    cause: error,
  });
}

/**
 * A key that was free when a write began now holds another writer's object.
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

/** What OpenSSL found, between the numbers and names of its own code: `…:error:0A00010B:SSL routines::wrong version …`. */
const OPENSSL_REASON = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/;

/** What went wrong with a request, in one clause: `503 SlowDown`, `the server sent nothing for 2m`. */
export function describeFailure(error: unknown): string {
  const { status, code } = answerOf(error);
  const message =
    error instanceof AggregateError ? undefined : (error as { message?: string } | null)?.message;
  if (status !== undefined) return spellAnswer(status, code);
  if (message === undefined || message === '' || message === code) return code;
  const idle = /timed out after (\d+) ms of inactivity/.exec(message)?.[1];
  if (idle !== undefined) return `the server sent nothing for ${formatDuration(Number(idle))}`;
  const reason = OPENSSL_REASON.exec(message)?.[1] ?? message;
  // The name of an error without a specific type.
  return code === 'Error' || reason.includes(code) ? reason : `${code}, ${reason}`;
}

/** `503 SlowDown`, or `HTTP 503`: the answer to a HEAD has no body, which leaves only the status. */
export function spellAnswer(status: number, code: string): string {
  return isUnnamed(code) ? `HTTP ${status}` : `${status} ${code}`;
}

/** Whether there is a known remedy for this error, which therefore does not pass by itself. */
export function hasRemedy(code: string): boolean {
  return REMEDIES[code] !== undefined;
}

/** The SDK's own error for an answer that is not XML (a proxy's page) carries no S3 code. */
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
  // The answer to a HEAD has no body to name the error: the SDK calls a 404 NotFound, and AWS reports a wrong region
  // as a 400.
  if (status === 404 && (isUnnamed(code) || code === 'NotFound')) return 'check AWS_STORAGE_BUCKET_NAME';
  if (status === 302 || status === 307 || status === 308) {
    return 'check AWS_S3_ENDPOINT_URL, and whether it should be https or http';
  }
  if (status === 301 || (status === 400 && isUnnamed(code))) return 'check S3_REGION and AWS_S3_ENDPOINT_URL';
  return status === undefined ? 'check AWS_S3_ENDPOINT_URL and the network' : 'see the S3 server’s log';
}
