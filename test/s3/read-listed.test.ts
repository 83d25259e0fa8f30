import { afterEach, beforeEach, expect, test } from 'vitest';
import { NotFoundError } from '../../src/errors.ts';
import { readListed } from '../../src/s3/read-listed.ts';
import type { Store } from '../../src/s3/store.ts';
import { during } from '../support/during.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEY = 'backup/manifest.json';
const BODY = Buffer.from('{"a": 1, "b": 22}');

const short = (body: Buffer) => body.subarray(0, -1);
const altered = (body: Buffer) => Buffer.from(body.toString().replace('22', '23'));
/** Another one each time. */
const random = (body: Buffer) => Buffer.from(body.toString().replace('22', String(count++ + 30)));
let count = 0;

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
  const contentType = 'application/json';
  await bed.store.put(KEY, BODY, { ifAbsent: false, contentType, signal: AbortSignal.timeout(60_000) });
});

afterEach(() => bed.close());

/** @returns the text, or why it cannot be relied on */
async function read(etag?: string): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  const head: Store['head'] = async (...args) => {
    const object = await bed.store.head(...args);
    return object && { ...object, etag: etag ?? object.etag };
  };
  const object = (await head(KEY, signal))!;
  bed.server.requests.length = 0;
  const body = await readListed({ ...bed.store, head }, object, signal);
  return Buffer.isBuffer(body) ? body.toString() : body.problem;
}

const gets = () => bed.server.requests.filter(({ operation }) => operation === 'GetObject').length;

/** Of an object that is encrypted by a key of KMS, the ETag looks like an MD5 and is none. */
const NO_MD5 = '0'.repeat(32);

test.each<
  [about: string, damages: readonly ((body: Buffer) => Buffer)[], etag: string | undefined, gets: number]
>([
  ['as it is', [], undefined, 1],
  ['as it is, whose ETag is no MD5', [], NO_MD5, 2],
  ['once shorter', [short], undefined, 2],
  ['once shorter, whose ETag is no MD5', [short], NO_MD5, 3],
  ['once altered', [altered], undefined, 2],
  ['once altered, whose ETag is no MD5', [altered], NO_MD5, 3],
  ['shorter, then altered', [short, altered], undefined, 3],
])('an object that comes %s is read right', async (_, damages, etag, expected) => {
  bed.server.faults.push(
    ...damages.map((to) => ({ operation: 'GetObject', times: 1, what: { kind: 'alter', to } }) as const),
  );
  expect(await read(etag)).toBe(BODY.toString());
  expect(gets()).toBe(expected);
});

test.each([
  ['another one each time', random],
  ['shorter each time', short],
])('one that comes %s is not taken for anything', async (_, to) => {
  bed.server.faults.push({ operation: 'GetObject', what: { kind: 'alter', to } });
  expect(await read()).toBe('reads differently each time');
});

const MISSING = { kind: 'error', status: 404, code: 'NoSuchKey' } as const;

test('one that the server has is not taken for gone because it says so once', async () => {
  bed.server.faults.push({ operation: 'GetObject', times: 1, what: MISSING });
  expect(await read()).toBe(BODY.toString());
});

test('one that can only be looked up is not taken for gone', async () => {
  bed.server.faults.push({ operation: 'GetObject', what: MISSING });
  expect(await read()).toMatch(/^can be looked up, but when it is read .* no such object$/);
});

test('one that is deleted between the readings is told to be gone', async () => {
  const signal = AbortSignal.timeout(60_000);
  const listed = { ...(await bed.store.head(KEY, signal))!, etag: NO_MD5 };
  during(bed, { operation: 'HeadObject' }, () => bed.store.remove([KEY], signal));
  await expect(readListed(bed.store, listed, signal)).rejects.toThrow(NotFoundError);
});

test('one that was written anew since it was listed is read as it is now', async () => {
  const signal = AbortSignal.timeout(60_000);
  const listed = (await bed.store.head(KEY, signal))!;
  await bed.store.put(KEY, Buffer.from('longer than before'), {
    ifAbsent: false,
    contentType: 'application/json',
    signal,
  });
  expect(String(await readListed(bed.store, listed, signal))).toBe('longer than before');
});
