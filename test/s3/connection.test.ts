import { Agent } from 'node:http';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StoppedError } from '../../src/errors.ts';
import { createS3Client } from '../../src/s3/client.ts';
import { connectBucket } from '../../src/s3/connection.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

let bed: TestStore;

beforeAll(async () => {
  bed = await startTestStore();
});

afterAll(() => bed.close());

const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const broken = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const denied = () =>
  Object.assign(new Error('no'), { Code: 'AccessDenied', $metadata: { httpStatusCode: 403 } });

const busy = (status: number, name: string) =>
  Object.assign(new Error('no'), { name, $metadata: { httpStatusCode: status } });

/** Makes calls over one connection, each of which throws the errors that it is given, one each time, and then answers. */
function connect(waitMs: number, onWait = (_problem: string) => {}, again?: 'unsent') {
  const { call } = connectBucket(createS3Client(bed.settings), {
    bucket: 'b',
    endpoint: 'http://s3',
    waitMs,
    onWait,
  });
  return async (errors: readonly Error[], signal = new AbortController().signal, onTry = () => {}) => {
    const left = [...errors];
    let tries = 0;
    const work = async () => {
      tries += 1;
      onTry();
      const error = left.shift();
      if (error !== undefined) throw error;
      return 'answer';
    };
    const answer = call('cannot look', 's3:GetObject', signal, work, again);
    return { answer: await answer.catch((error: Error) => error.message), tries };
  };
}

const REFUSED = expect.stringContaining('cannot look (http://s3): connect ECONNREFUSED');

test('a server that never answered is not waited for', async () => {
  const ask = connect(60_000);
  expect(await ask([refused()])).toEqual({ answer: REFUSED, tries: 1 });
});

test.each([
  ['by an answer', []],
  ['by a refusal', [denied()]],
])('one that has shown %s that it is there is waited for', async (_, first) => {
  const ask = connect(60_000);
  await ask(first);
  expect(await ask([refused(), refused()])).toEqual({ answer: 'answer', tries: 3 });
});

/** How the SDK fails with these timeouts, in milliseconds, to which the server never answers. */
async function timedOut(options: NodeHttpHandlerOptions, endpoint = bed.server.endpoint): Promise<Error> {
  const { server } = bed;
  const client = new S3Client({
    endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(options),
  });
  const held = { kind: 'hold', until: new Promise(() => {}) } as const;
  server.faults.push({ operation: 'HeadBucket', times: 1, what: held });
  try {
    return await client.send(new HeadBucketCommand({ Bucket: 'bucket' })).then(
      () => Promise.reject(new Error('it answered')),
      (error: Error) => error,
    );
  } finally {
    client.destroy();
    server.faults.splice(0);
  }
}

/** A name that is never looked up stands for a host that packets do not reach. */
const unreached = () =>
  timedOut({ connectionTimeout: 1, httpAgent: new Agent({ lookup: () => {} }) }, 'http://s3.invalid');

const connectTimeout = () => Object.assign(new Error('connect'), { code: 'ETIMEDOUT', syscall: 'connect' });

test.each([
  ['the SDK', unreached],
  ['the system', connectTimeout],
  [
    'the system, for each address of the host',
    () => Object.assign(new AggregateError([connectTimeout()]), { code: 'ETIMEDOUT' }),
  ],
])('one to which %s makes no connection in time is waited for', async (_, fail) => {
  const ask = connect(60_000, undefined, 'unsent');
  await ask([]);
  expect(await ask([await fail()])).toEqual({ answer: 'answer', tries: 2 });
});

test.each([
  ['SDK', () => timedOut({ socketTimeout: 1 })],
  ['system', () => Object.assign(new Error('read'), { code: 'ETIMEDOUT', syscall: 'read' })],
])('a request that was sent is not made again after the timeout of the %s', async (_, fail) => {
  const ask = connect(60_000, undefined, 'unsent');
  await ask([]);
  expect((await ask([await fail()])).tries).toBe(1);
});

test('each time that a server goes is told once, whoever waits for it', async () => {
  const told: string[] = [];
  const ask = connect(60_000, (problem) => told.push(problem));
  await ask([]);
  await Promise.all([ask([refused()]), ask([refused()])]);
  expect(told).toEqual(['http://s3 cannot be reached (ECONNREFUSED); waiting up to 1m for it']);
  await ask([refused()]);
  expect(told).toHaveLength(2);
  // A refusal ends a wait as an answer does.
  await ask([refused(), denied()]);
  await ask([refused()]);
  expect(told).toHaveLength(4);
});

test.each([
  ['503 SlowDown', busy(503, 'SlowDown')],
  ['503 ServiceUnavailable', busy(503, 'ServiceUnavailable')],
  ['400 SlowDown', busy(400, 'SlowDown')],
  ['HTTP 502', busy(502, 'Error')],
  ['HTTP 504', busy(504, 'UnknownError')],
  ['429 TooManyRequests', busy(429, 'TooManyRequests')],
])('one that answers %s is waited for', async (said, error) => {
  const told: string[] = [];
  const ask = connect(60_000, (problem) => told.push(problem));
  await ask([]);
  expect(await ask([error])).toEqual({ answer: 'answer', tries: 2 });
  expect(told).toEqual([`http://s3 answers ${said}; waiting up to 1m for it`]);
});

test.each([busy(500, 'InternalError'), busy(503, 'InternalError'), busy(503, 'InvalidPart'), denied()])(
  'an error that does not pass by itself is not waited for',
  async (error) => {
    const ask = connect(60_000);
    await ask([]);
    expect((await ask([error])).tries).toBe(1);
  },
);

test.each(['ECONNRESET', 'EPIPE'])('one that drops connections is waited for: %s', async (code) => {
  const told: string[] = [];
  const ask = connect(60_000, (problem) => told.push(problem));
  await ask([]);
  const error = Object.assign(new Error('no'), { code });
  expect(await ask([error, refused()])).toEqual({ answer: 'answer', tries: 3 });
  expect(told).toEqual([`http://s3 drops connections (${code}); waiting up to 1m for it`]);
});

test('a request that may have arrived, and then leaves something, is not made again', async () => {
  const ask = connect(60_000, undefined, 'unsent');
  await ask([]);
  expect(await ask([refused(), broken()])).toEqual({
    answer: expect.stringContaining('ECONNRESET'),
    tries: 2,
  });
});

test('the time that it is waited for ends', async () => {
  const ask = connect(0);
  await ask([]);
  expect(await ask([refused()])).toEqual({ answer: REFUSED, tries: 1 });
});

test('what ends the program ends the wait also of what is not to be broken off', async () => {
  const stop = new AbortController();
  const stopped = new StoppedError('SIGTERM');
  const waiting = { waitMs: 60_000, stop: stop.signal, onWait: () => stop.abort(stopped) };
  const { call } = connectBucket(createS3Client(bed.settings), {
    bucket: 'b',
    endpoint: 'http://s3',
    ...waiting,
  });
  const never = new AbortController().signal;
  await call('cannot look', 's3:GetObject', never, async () => 'answer');
  let tries = 0;
  const failing = call('cannot look', 's3:GetObject', never, async () => {
    tries += 1;
    throw refused();
  });
  await expect(failing).rejects.toThrow(/ECONNREFUSED/);
  expect(tries).toBe(1);
  // What has yet to be cleaned up is tried, and not waited for.
  await expect(call('cannot look', 's3:GetObject', never, () => Promise.reject(refused()))).rejects.toThrow(
    /ECONNREFUSED/,
  );
});

test('what was done while the program was to end is done', async () => {
  const stop = new AbortController();
  const { call } = connectBucket(createS3Client(bed.settings), {
    bucket: 'b',
    endpoint: 'http://s3',
    waitMs: 60_000,
    stop: stop.signal,
  });
  const never = new AbortController().signal;
  await call('cannot look', 's3:GetObject', never, async () => 'answer');
  let tries = 0;
  const answer = call('cannot put', 's3:PutObject', never, async () => {
    tries += 1;
    if (tries === 1) throw refused();
    stop.abort(new StoppedError('SIGTERM'));
    return 'written';
  });
  expect(await answer).toBe('written');
});

test('a signal ends the wait', async () => {
  const ask = connect(60_000);
  await ask([]);
  const stop = new AbortController();
  const stopped = new StoppedError('SIGTERM');
  const { answer } = await ask(Array.from({ length: 99 }, refused), stop.signal, () => stop.abort(stopped));
  expect(answer).toBe(stopped.message);
});
