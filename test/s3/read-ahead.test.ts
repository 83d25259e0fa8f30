import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  chooseRequests,
  MOST_REQUESTS,
  ONE_REQUEST,
  PIECE_BYTES,
  type Requests,
  readAhead,
} from '../../src/s3/read-ahead.ts';
import { deferred } from '../support/deferred.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEY = 'backup/dump.sql';

let bed: TestStore;
let body: Buffer;

const inTime = () => AbortSignal.timeout(60_000);
const put = () =>
  bed.store.put(KEY, body, { ifAbsent: false, contentType: 'application/sql', signal: inTime() });
const gets = () => bed.server.requests.filter(({ operation }) => operation === 'GetObject').length;

/** Bytes of all ranges that were asked for. */
const askedFor = () =>
  bed.server.requests
    .flatMap(({ range }) => (range === undefined ? [] : [range.match(/\d+/g)!.map(Number)]))
    .reduce((sum, [start, end]) => sum + end! - start! + 1, 0);

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

/** As many as there ever are. */
const MANY: Requests = { ...ONE_REQUEST, count: MOST_REQUESTS };

async function read(requests = ONE_REQUEST): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readAhead(bed.store, KEY, { requests, signal: inTime() })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.each([0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, PIECE_BYTES * 5 + 7])(
  '%i bytes come as they are, each once',
  async (length) => {
    body = randomBytes(length);
    await put();
    for (const requests of [ONE_REQUEST, MANY]) {
      bed.server.requests.length = 0;
      expect((await read(requests)).equals(body)).toBe(true);
      expect(askedFor()).toBe(length);
    }
  },
);

const waiting = (rate: number) => ({ bytes: rate * 100, waited: 90, used: 10 });
const working = { bytes: 1000, waited: 10, used: 90 };
const between = { bytes: 1000, waited: 60, used: 40 };

test.each([
  ['at the beginning there is one', [], 1],
  ['a reader that waits gets more, on trial', [waiting(10)], 2],
  ['which stays where the bytes come faster', [waiting(10), waiting(15), waiting(15)], 3],
  ['and goes where they do not', [waiting(10), waiting(12)], 1],
  ['for some time', [waiting(10), waiting(12), waiting(10), waiting(10)], 1],
  ['but not for ever', [waiting(10), waiting(12), ...Array(17).fill(waiting(10))], 2],
  ['then for twice as long', Array(20 + 32).fill(waiting(10)), 1],
  ['and no longer', Array(20 + 33).fill(waiting(10)), 2],
  ['there are no more than a few', [10, 20, 40, 80, 160].map(waiting), MOST_REQUESTS],
  ['a reader that is slower gets fewer', [waiting(10), waiting(20), between, working], 1],
  ['but one', [working, working], 1],
  ['in between nothing changes', [waiting(10), waiting(20), between, between], 2],
])('%s', (_, paces, expected) => {
  const { count } = [waiting(10), ...paces].reduce(chooseRequests, ONE_REQUEST);
  expect(count).toBe(expected);
});

test('pieces that arrive in another order, or break off, come in order all the same', async () => {
  body = randomBytes(PIECE_BYTES * 11);
  await put();
  const later = deferred<void>();
  let held = 0;
  const onHeld = () => {
    held += 1;
  };
  // A reader that does nothing with the bytes is always the faster one, and gets a second request after 7 pieces, which
  // came by three. The one before it waits for it.
  bed.server.faults.push(
    { operation: 'GetObject', after: 3, times: 1, what: { kind: 'hold', until: later.promise, onHeld } },
    { operation: 'GetObject', after: 3, times: 2, what: { kind: 'cut', afterBytes: 100_000 } },
  );
  const reading = read();
  while (gets() < 4) await new Promise((resolve) => setImmediate(resolve));
  later.resolve();
  expect((await reading).equals(body)).toBe(true);
  expect(held).toBe(1);
});

test('no more than a few pieces are asked for ahead of a reader that stops', async () => {
  body = randomBytes(PIECE_BYTES * 8);
  await put();
  let bytes = 0;
  for await (const chunk of readAhead(bed.store, KEY, { requests: MANY, signal: inTime() })) {
    bytes += chunk.length;
    expect(askedFor() - bytes).toBeLessThanOrEqual(PIECE_BYTES * (MOST_REQUESTS + 1));
    if (bytes > PIECE_BYTES * 3) break;
  }
  expect(askedFor()).toBeLessThan(body.length);
});

test('an object that changes meanwhile, is missing, or is no longer wanted, is an error', async () => {
  body = randomBytes(PIECE_BYTES * 5);
  await expect(read()).rejects.toThrow(/cannot read backup\/dump\.sql .*: there is no such object/);
  await put();
  const reading = readAhead(bed.store, KEY, { requests: MANY, signal: inTime() });
  await reading.next();
  body = randomBytes(PIECE_BYTES * 5);
  await put();
  await expect(async () => {
    for await (const _ of reading);
  }).rejects.toThrow(/the object changed while it was being read/);
  const stop = new AbortController();
  const stopped = readAhead(bed.store, KEY, { requests: MANY, signal: stop.signal });
  await stopped.next();
  stop.abort(new Error('enough'));
  await expect(async () => {
    for await (const _ of stopped);
  }).rejects.toThrow('enough');
});
