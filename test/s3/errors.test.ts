import { expect, test } from 'vitest';
import { ConfigError, StoreError } from '../../src/errors.ts';
import { answerOf, storeError, UnlikeS3Error } from '../../src/s3/errors.ts';

const DOING = 'cannot write backup/x.sql to bucket b';
const NEEDED = 's3:PutObject on backup/x.sql';
const TO = { bucket: 'b', endpoint: 'https://s3' };

/** As the SDK throws the answer of a server. */
const answer = (status: number, code: string) =>
  Object.assign(new Error('said\nin its own words'), { name: code, $metadata: { httpStatusCode: status } });

/** As Node throws the failure of a connection. */
const failure = (code: string, message = `connect ${code} 127.0.0.1:9000`) =>
  Object.assign(new Error(message), { code });

test.each([
  [
    answer(403, 'SignatureDoesNotMatch'),
    '403 SignatureDoesNotMatch — check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID',
  ],
  [answer(403, 'InvalidAccessKeyId'), '403 InvalidAccessKeyId — check AWS_ACCESS_KEY_ID'],
  [answer(403, 'RequestTimeTooSkewed'), '403 RequestTimeTooSkewed — set this machine’s clock'],
  [
    answer(403, 'AccessDenied'),
    `403 AccessDenied — check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the key needs ${NEEDED}`,
  ],
  [
    answer(403, 'UnknownError'),
    `HTTP 403 — check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the key needs ${NEEDED}`,
  ],
  [answer(404, 'NoSuchBucket'), '404 NoSuchBucket — check AWS_STORAGE_BUCKET_NAME'],
  [answer(400, 'InvalidBucketName'), '400 InvalidBucketName — check AWS_STORAGE_BUCKET_NAME'],
  [
    answer(409, 'BucketAlreadyExists'),
    '409 BucketAlreadyExists — the bucket belongs to another owner: choose another name for AWS_STORAGE_BUCKET_NAME',
  ],
  [answer(302, 'Error'), 'HTTP 302 — check AWS_S3_ENDPOINT_URL, and whether it should be https or http'],
  [answer(307, 'Unknown'), /^HTTP 307 — check AWS_S3_ENDPOINT_URL/],
  [answer(308, 'Unknown'), /^HTTP 308 — check AWS_S3_ENDPOINT_URL/],
  [new Error('it is odd'), 'it is odd — check AWS_S3_ENDPOINT_URL and the network'],
  [
    Object.assign(
      new Error(
        'the request socket timed out after 120000 ms of inactivity (configured by client requestHandler).',
      ),
      { name: 'TimeoutError' },
    ),
    'the server sent nothing for 2m — check AWS_S3_ENDPOINT_URL and the network',
  ],
  [answer(404, 'UnknownError'), 'HTTP 404 — check AWS_STORAGE_BUCKET_NAME'],
  [answer(404, 'NotFound'), '404 NotFound — check AWS_STORAGE_BUCKET_NAME'],
  [
    answer(404, 'NoSuchUpload'),
    '404 NoSuchUpload — something else ended the upload: check the bucket’s lifecycle rules, and run again',
  ],
  [
    answer(403, 'InvalidObjectState'),
    '403 InvalidObjectState — a lifecycle rule has moved the object to an archive: retrieve it (S3 RestoreObject), and exclude it from that rule',
  ],
  [answer(404, 'NoSuchKey'), '404 NoSuchKey — see the S3 server’s log'],
  [answer(400, 'UnknownError'), 'HTTP 400 — check S3_REGION and AWS_S3_ENDPOINT_URL'],
  [answer(400, 'InvalidPart'), '400 InvalidPart — the server lost a part: run again, and see its log'],
  [
    answer(400, 'EntityTooLarge'),
    '400 EntityTooLarge — check the maximum object size in the S3 server’s settings',
  ],
  [answer(400, 'BadDigest'), '400 BadDigest — see the S3 server’s log'],
  [answer(400, 'ExpiredToken'), '400 ExpiredToken — renew AWS_SESSION_TOKEN and its access key'],
  [answer(301, 'PermanentRedirect'), '301 PermanentRedirect — check S3_REGION and AWS_S3_ENDPOINT_URL'],
  [answer(400, 'AuthorizationHeaderMalformed'), '400 AuthorizationHeaderMalformed — check S3_REGION'],
  [answer(507, 'InsufficientCapacity'), '507 InsufficientCapacity — free space on the S3 server'],
  [answer(403, 'QuotaExceeded'), '403 QuotaExceeded — free space in the bucket, or raise its quota'],
  [answer(500, 'InternalError'), '500 InternalError — see the S3 server’s log'],
  [
    failure('ECONNREFUSED'),
    'connect ECONNREFUSED 127.0.0.1:9000 — check AWS_S3_ENDPOINT_URL, and that the server is running',
  ],
  [
    Object.assign(new AggregateError([failure('ECONNREFUSED')]), { code: 'ECONNREFUSED' }),
    'ECONNREFUSED — check AWS_S3_ENDPOINT_URL, and that the server is running',
  ],
  [failure('ENOTFOUND', 'getaddrinfo ENOTFOUND s3'), 'getaddrinfo ENOTFOUND s3 — check AWS_S3_ENDPOINT_URL'],
  [Object.assign(failure('ENOTFOUND'), { hostname: 'other.localhost' }), /— check AWS_S3_ENDPOINT_URL$/],
  [
    Object.assign(failure('ENOTFOUND'), { hostname: 'b.localhost' }),
    /— set S3_FORCE_PATH_STYLE=1, or check AWS_S3_ENDPOINT_URL and DNS$/,
  ],
  [failure('EAI_AGAIN'), /— check AWS_S3_ENDPOINT_URL and DNS$/],
  [failure('ETIMEDOUT'), /— check AWS_S3_ENDPOINT_URL and the firewall$/],
  [
    Object.assign(new Error('socket timed out'), { name: 'TimeoutError' }),
    'TimeoutError, socket timed out — check AWS_S3_ENDPOINT_URL and the network',
  ],
  [
    failure('ECONNRESET', 'socket hang up'),
    'ECONNRESET, socket hang up — check the network and the S3 server’s log',
  ],
  [failure('EPROTO'), /— check whether AWS_S3_ENDPOINT_URL should be https or http$/],
  [
    failure(
      'EPROTO',
      'write EPROTO 80EC:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/ssl3_record.c:350:\n',
    ),
    'EPROTO, wrong version number — check whether AWS_S3_ENDPOINT_URL should be https or http',
  ],
  [
    failure(
      'ERR_SSL_PACKET_LENGTH_TOO_LONG',
      '80EC:error:0A0000C6:SSL routines::packet length too long:../x.c:7:',
    ),
    /^ERR_SSL_PACKET_LENGTH_TOO_LONG, packet length too long — /,
  ],
  [
    failure('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'),
    'DEPTH_ZERO_SELF_SIGNED_CERT, self-signed certificate — set NODE_EXTRA_CA_CERTS to the CA’s certificate file, or set AWS_S3_VERIFY=False',
  ],
  [
    failure('ERR_TLS_CERT_ALTNAME_INVALID', 'wrong name'),
    /NODE_EXTRA_CA_CERTS to the CA’s certificate file, or set AWS_S3_VERIFY=False$/,
  ],
  [
    failure('CERT_HAS_EXPIRED', 'certificate has expired'),
    /NODE_EXTRA_CA_CERTS to the CA’s certificate file, or set AWS_S3_VERIFY=False$/,
  ],
  ['a string', 'unknown error — check AWS_S3_ENDPOINT_URL and the network'],
  [undefined, 'unknown error — check AWS_S3_ENDPOINT_URL and the network'],
])('%s', (error, expected) => {
  const shown = storeError(DOING, error, NEEDED, TO);
  expect(shown).toBeInstanceOf(StoreError);
  expect(shown.message).not.toContain('\n');
  expect(shown.message.slice(0, DOING.length + 2)).toBe(`${DOING}: `);
  const rest = shown.message.slice(DOING.length + 2);
  if (typeof expected === 'string') expect(rest).toBe(expected);
  else expect(rest).toMatch(expected);
});

test('an error that is meant for the operator already stays what it is', () => {
  const error = new ConfigError({ doing: 'cannot read the configuration', problem: 'it is wrong' });
  expect(storeError(DOING, error, NEEDED)).toBe(error);
});

test('the code of an answer wins over the name of its error', () => {
  const error = Object.assign(answer(400, 'S3ServiceException'), { Code: 'BadDigest' });
  expect(answerOf(error)).toEqual({ status: 400, code: 'BadDigest' });
});

test.each([
  [answer(404, 'NoSuchKey'), /: 404 NoSuchKey — set AWS_S3_ENDPOINT_URL to https:\/\/s3$/],
  [new UnlikeS3Error('no listing'), /: no listing — set AWS_S3_ENDPOINT_URL to https:\/\/s3$/],
  [answer(404, 'NoSuchBucket'), /— check AWS_STORAGE_BUCKET_NAME$/],
])('an address that ends with the name of the bucket: %s', (error, expected) => {
  const to = { bucket: 'b', endpoint: 'https://s3/b' };
  expect(storeError(DOING, error, NEEDED, to).message).toMatch(expected);
});

test('an address whose server has the name of the bucket is not changed', () => {
  const to = { bucket: 'minio', endpoint: 'http://minio' };
  expect(storeError(DOING, answer(404, 'NoSuchKey'), NEEDED, to).message).toMatch(
    /: 404 NoSuchKey — see the S3 server’s log$/,
  );
});
