import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { haveSameBytes } from '../../src/s3/same-bytes.ts';
import type { Store } from '../../src/s3/store.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const BODY = randomBytes(3_000_000);
const OTHER = Buffer.from(BODY);
OTHER.writeUInt8(BODY.readUInt8(BODY.length - 1) ^ 1, BODY.length - 1);

let bed: TestStore;
const inTime = () => AbortSignal.timeout(60_000);

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

test.each([
  ['the same', BODY, BODY, true],
  ['another last byte', BODY, OTHER, false],
  ['one that is longer', BODY, Buffer.concat([BODY, BODY]), false],
  ['nothing in both', Buffer.alloc(0), Buffer.alloc(0), true],
  ['one that is gone', undefined, BODY, false],
  ['both gone', undefined, undefined, false],
])('%s', async (_what, a, b, same) => {
  for (const [key, body] of [
    ['a', a],
    ['b', b],
  ] as const) {
    const options = { ifAbsent: false, contentType: 'text/plain', signal: inTime() };
    if (body !== undefined) await bed.store.put(key, body, options);
  }
  expect(await haveSameBytes(bed.store, 'a', 'b', inTime())).toBe(same);
});

test('where one cannot be read, the reading of the other ends', async () => {
  const options = { ifAbsent: false, contentType: 'text/plain', signal: inTime() };
  for (const key of ['a', 'b']) await bed.store.put(key, BODY, options);
  bed.server.faults.push(
    { operation: 'GetObject', key: /a/, what: { kind: 'error', status: 403, code: 'AccessDenied' } },
    { operation: 'GetObject', key: /b/, what: { kind: 'hold', until: new Promise(() => {}) } },
  );
  const signals: AbortSignal[] = [];
  const get: Store['get'] = (key, how) => {
    signals.push(how.signal);
    return bed.store.get(key, how);
  };
  const comparing = haveSameBytes({ ...bed.store, get }, 'a', 'b', inTime());
  await expect(comparing).rejects.toThrow(/403 AccessDenied/);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});
