import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreError } from '../../src/errors.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e'];

let bed: TestStore;

const inTime = () => AbortSignal.timeout(60_000);

beforeEach(async () => {
  bed = await startTestStore();
  const put = { ifAbsent: false, contentType: 'text/plain', signal: inTime() };
  for (const key of KEYS) await bed.store.put(key, Buffer.from(key), put);
});

afterEach(() => bed.close());

async function left(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bed.store.list('', { signal: inTime() })) keys.push(key);
  return keys;
}

const refusing =
  (operation: string, status: number) =>
  (key: RegExp, code: string, times?: number): void => {
    bed.server.faults.push({
      operation,
      key,
      what: { kind: 'error', status, code },
      ...(times === undefined ? {} : { times }),
    });
  };
const refuse = refusing('DeleteObjectsEntry', 403);
const unnamed = refusing('DeleteObjectsUnnamed', 500);

test('keys that are refused stay, are named, and keep no other from being deleted', async () => {
  refuse(/[bd]/, 'AccessDenied');
  const error = await bed.store.remove(KEYS, inTime()).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreError);
  expect(error).toMatchObject({
    message:
      'cannot delete b, d from bucket bucket: AccessDenied — the key needs s3:DeleteObject there, and no Object Lock may protect the objects',
    keys: ['b', 'd'],
  });
  expect(await left()).toEqual(['b', 'd']);
});

test('a refusal that may pass is asked again, for that key only', async () => {
  refuse(/[bd]/, 'SlowDown', 3);
  await bed.store.remove(KEYS, inTime());
  expect(await left()).toEqual([]);
  const requests = bed.server.requests.filter(({ operation }) => operation === 'DeleteObjects');
  expect(requests).toHaveLength(3);
});

test('a refusal that might pass and does not is an error in the end', async () => {
  refuse(/c/, 'InternalError');
  await expect(bed.store.remove(KEYS, inTime())).rejects.toThrow(
    'cannot delete c from bucket bucket: InternalError — the S3 server was too busy or failed: see its log, and run again',
  );
  expect(await left()).toEqual(['c']);
});

test('a refusal that names no key and may pass has the whole batch asked for again', async () => {
  unnamed(/[bd]/, 'InternalError', 2);
  await bed.store.remove(KEYS, inTime());
  expect(await left()).toEqual([]);
  expect(bed.server.requests.filter(({ operation }) => operation === 'DeleteObjects')).toHaveLength(2);
});

test.each(['InternalError', 'AccessDenied'])(
  'a refusal that names no key and does not pass (%s) is an error that names none',
  async (code) => {
    unnamed(/c/, code);
    const error = await bed.store.remove(KEYS, inTime()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ problem: code, keys: [] });
    expect(await left()).toEqual(['c']);
  },
);

test('each request carries Content-MD5, without which several servers refuse it', async () => {
  await bed.store.remove(KEYS, inTime());
  const requests = bed.server.requests.filter(({ operation }) => operation === 'DeleteObjects');
  expect(requests.map(({ contentMd5 }) => contentMd5)).toEqual([expect.stringMatching(/^[\w+/]{22}==$/)]);
});

test('more keys than one request takes are sent in batches, and none where there are none', async () => {
  await bed.store.remove([], inTime());
  await bed.store.remove([...KEYS, ...Array.from({ length: 2001 }, (_, index) => `none/${index}`)], inTime());
  const requests = bed.server.requests.filter(({ operation }) => operation === 'DeleteObjects');
  expect(requests).toHaveLength(3);
  expect(await left()).toEqual([]);
});
