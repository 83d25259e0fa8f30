import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../support/s3-server/faults.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEY = 'backup/manifest.json';
const BODY = Buffer.from('{"format":1}');

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

const inTime = () => AbortSignal.timeout(60_000);
const put = (ifAbsent: boolean, body = BODY) =>
  bed.store.put(KEY, body, { ifAbsent, contentType: 'application/json', signal: inTime() });

const NO_HEADER: Fault['what'] = { kind: 'error', status: 501, code: 'NotImplemented' };
const IGNORED: Fault['what'] = { kind: 'unconditional' };
const LOST: Fault['what'] = { kind: 'drop', when: 'after' };
const FORBIDDEN: Fault['what'] = { kind: 'error', status: 403, code: 'AccessDenied' };
const CONFLICT: Fault['what'] = { kind: 'error', status: 409, code: 'ConditionalRequestConflict' };

describe('an object that is to be a new one', () => {
  test.each<[string, Fault]>([
    ['the answer is lost, and the second try finds the object', { times: 1, what: LOST }],
    ['all answers but the last are lost', { times: 4, what: LOST }],
    ['another write of the key is under way', { times: 2, what: CONFLICT }],
    ['the server does not know If-None-Match', { times: 1, what: NO_HEADER }],
    ['the server is busy', { times: 2, what: { kind: 'error', status: 503, code: 'SlowDown' } }],
  ])('is written although %s', async (_, fault) => {
    bed.server.faults.push({ operation: 'PutObject', ...fault });
    expect(await put(true)).toBe(true);
    expect(await bed.store.head(KEY, inTime())).toMatchObject({ bytes: BODY.length });
  });

  // So it is with a key that may list only under its own prefixes.
  test('is written although the key is told nothing about what is not there', async () => {
    bed.server.faults.push({ operation: 'HeadObject', times: 1, what: FORBIDDEN });
    expect(await put(true)).toBe(true);
    expect(await bed.store.head(KEY, inTime())).toMatchObject({ bytes: BODY.length });
  });

  test.each<[string, Fault | undefined]>([
    ['as the server says', undefined],
    ['although the server does not know If-None-Match', { times: 1, what: NO_HEADER }],
    ['although the server ignores If-None-Match', { what: IGNORED }],
  ])('is not written over another of the same bytes, %s', async (_, fault) => {
    await put(false);
    const before = await bed.store.head(KEY, inTime());
    if (fault !== undefined) bed.server.faults.push({ operation: 'PutObject', ...fault });
    expect(await put(true)).toBe(false);
    expect((await bed.store.head(KEY, inTime()))?.writeId).toBe(before?.writeId);
  });

  test('is known again after a wait, where it was written and a proxy gave up', async () => {
    const timedOut: Fault['what'] = { kind: 'error', status: 504, code: 'GatewayTimeout' };
    bed.server.faults.push(
      { operation: 'PutObject', times: 4, what: LOST },
      { operation: 'PutObject', times: 1, what: timedOut },
    );
    expect(await put(true)).toBe(true);
  });

  test('is an error where the conflict does not end', async () => {
    bed.server.faults.push({ operation: 'PutObject', what: CONFLICT });
    await expect(put(true)).rejects.toThrow(/cannot write .* 409 ConditionalRequestConflict/);
  });
});

describe('an object that is to replace another', () => {
  const other = Buffer.from('{"format":2}');
  const putOver = (ifMatch: string) =>
    bed.store.put(KEY, other, {
      ifAbsent: false,
      ifMatch,
      contentType: 'application/json',
      signal: inTime(),
    });
  const etag = async () => (await bed.store.head(KEY, inTime()))?.etag ?? '';

  test.each<[string, Fault | undefined]>([
    ['as the server says', undefined],
    ['although the answer is lost, and the second try finds the object', { times: 1, what: LOST }],
    ['although another write of the key is under way', { times: 2, what: CONFLICT }],
    ['although the server does not know If-Match', { times: 1, what: NO_HEADER }],
  ])('does so, %s', async (_, fault) => {
    await put(false);
    const before = await etag();
    if (fault !== undefined) bed.server.faults.push({ operation: 'PutObject', ...fault });
    expect(await putOver(before)).toBe(true);
    expect(await etag()).not.toBe(before);
  });

  test.each<[string, Fault | undefined]>([
    ['as the server says', undefined],
    ['although the server does not know If-Match', { times: 1, what: NO_HEADER }],
  ])('does not, if there is a third one or none, %s', async (_, fault) => {
    await put(false, Buffer.from('a third one'));
    const before = await etag();
    const tryWith = async (wanted: string) => {
      if (fault !== undefined) bed.server.faults.push({ operation: 'PutObject', ...fault });
      return putOver(wanted);
    };
    expect(await tryWith('0123456789abcdef')).toBe(false);
    expect(await etag()).toBe(before);
    await bed.store.remove([KEY], inTime());
    expect(await tryWith(before)).toBe(false);
    expect(await etag()).toBe('');
  });
});

test('a body that arrives as another is refused, never stored', async () => {
  bed.server.faults.push({ operation: 'PutObject', what: { kind: 'corrupt' } });
  await expect(put(false)).rejects.toThrow(/400 (BadDigest|XAmzContentSHA256Mismatch)/);
  expect(await bed.store.head(KEY, inTime())).toBeUndefined();
});
