import { expect, test } from 'vitest';
import { DumpError, StoreError } from '../../src/errors.ts';
import { tolerateFailures } from '../../src/quarantine/object-failures.ts';
import { storeError } from '../../src/s3/errors.ts';

const failure = (status: number | undefined, code: string) =>
  storeError('cannot copy x', { $metadata: { httpStatusCode: status }, name: code }, 's3:PutObject');
const failing = (error: Error) => () => Promise.reject(error);

test.each<[string, Error, boolean]>([
  ['503 SlowDown', failure(503, 'SlowDown'), true],
  ['400 InvalidRequest', failure(400, 'InvalidRequest'), true],
  ['403 InvalidObjectState', failure(403, 'InvalidObjectState'), true],
  ['403 ObjectNotInActiveTierError', failure(403, 'ObjectNotInActiveTierError'), true],
  ['TimeoutError', failure(undefined, 'TimeoutError'), true],
  ['403 AccessDenied', failure(403, 'AccessDenied'), false],
  ['403 SignatureDoesNotMatch', failure(403, 'SignatureDoesNotMatch'), false],
  ['400 ExpiredToken', failure(400, 'ExpiredToken'), false],
  ['404 NoSuchBucket', failure(404, 'NoSuchBucket'), false],
  ['ECONNREFUSED', failure(undefined, 'ECONNREFUSED'), false],
  ['an error of no request', new StoreError({ doing: 'x', problem: 'y' }), false],
  ['an error of another kind', new DumpError({ doing: 'x', problem: 'y' }), false],
  ['a signal', new Error('stopped'), false],
])('%s: is it of one object?', async (problem, error, isOfOne) => {
  const outcome = tolerateFailures().attempt(failing(error));
  if (isOfOne)
    expect(await outcome).toEqual({ kind: 'failed', reason: `the server failed for it: ${problem}` });
  else await expect(outcome).rejects.toBe(error);
});

test('so many in a row are taken for all', async () => {
  const { attempt } = tolerateFailures();
  const error = failure(503, 'SlowDown');
  for (let i = 0; i < 15; i += 1) expect(await attempt(failing(error))).toMatchObject({ kind: 'failed' });
  expect(await attempt(async () => 1)).toEqual({ kind: 'done', result: 1 });
  for (let i = 0; i < 15; i += 1) expect(await attempt(failing(error))).toMatchObject({ kind: 'failed' });
  await expect(attempt(failing(error))).rejects.toBe(error);
});
