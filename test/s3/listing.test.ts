import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStore, type TestStore } from '../support/test-store.ts';

let bed: TestStore;

beforeAll(async () => {
  bed = await startTestStore();
});

afterAll(() => bed.close());

const inTime = () => AbortSignal.timeout(60_000);

/** Keys of any characters that XML 1.0 can hold; others come back from no server's listing. */
const key = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter(
    (text) => !/\p{Surrogate}/u.test(text) && !/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text),
  );

const byUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function list(prefix: string, startAfter?: string): Promise<string[]> {
  const keys: string[] = [];
  const options = startAfter === undefined ? {} : { startAfter };
  for await (const object of bed.store.list(prefix, { ...options, signal: inTime() })) keys.push(object.key);
  return keys;
}

test('any keys are listed in the order of their UTF-8 bytes, and after any of them', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 12 }), key, async (names, start) => {
      run += 1;
      const prefix = `run ${run}/`;
      const put = { ifAbsent: true, contentType: 'text/plain', signal: inTime() };
      for (const name of names) await bed.store.put(prefix + name, Buffer.of(), put);
      const expected = names.toSorted(byUtf8).map((name) => prefix + name);
      expect(await list(prefix)).toEqual(expected);
      for (const after of [prefix + start, expected[0]!, expected.at(-1)!]) {
        expect(await list(prefix, after)).toEqual(expected.filter((name) => byUtf8(name, after) > 0));
      }
    }),
    { numRuns: 30 },
  );
});

test('a page that fails for a while is asked for again', async () => {
  const put = { ifAbsent: false, contentType: 'text/plain', signal: inTime() };
  await bed.store.put('busy/a', Buffer.of(), put);
  bed.server.faults.push({
    operation: 'ListObjectsV2',
    times: 2,
    what: { kind: 'error', status: 503, code: 'ServiceUnavailable' },
  });
  expect(await list('busy/')).toEqual(['busy/a']);
});

test.each([
  [501, 'NotImplemented'],
  [405, 'MethodNotAllowed'],
])('a server that answers %i %s has no list of uploads', async (status, code) => {
  bed.server.faults.push({
    operation: 'ListMultipartUploads',
    times: 1,
    what: { kind: 'error', status, code },
  });
  for await (const upload of bed.store.listUploads('', inTime())) expect(upload).toBeUndefined();
});
