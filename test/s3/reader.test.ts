import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readInPieces, readObject } from '../../src/s3/reader.ts';
import type { ByteRange } from '../../src/s3/store.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEY = 'backup/dump.sql';
const BODY = randomBytes(3_000_000);

let bed: TestStore;

const inTime = () => AbortSignal.timeout(60_000);
const put = (body: Buffer) =>
  bed.store.put(KEY, body, { ifAbsent: false, contentType: 'application/sql', signal: inTime() });

beforeEach(async () => {
  bed = await startTestStore();
  await put(BODY);
});

afterEach(() => bed.close());

async function read(options: { range?: ByteRange; signal?: AbortSignal } = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readObject(bed.store, KEY, { signal: inTime(), ...options })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const gets = () => bed.server.requests.filter(({ operation }) => operation === 'GetObject').length;

describe('a read that breaks off', () => {
  test.each([
    ['once, before the first byte', { times: 1, what: { kind: 'cut', afterBytes: 0 } }, undefined],
    ['again and again, each time further on', { what: { kind: 'cut', afterBytes: 250_000 } }, undefined],
    ['within a range', { times: 2, what: { kind: 'cut', afterBytes: 1000 } }, { start: 5, end: 2_000_000 }],
    [
      'within a range that reaches beyond the end',
      { times: 1, what: { kind: 'cut', afterBytes: 1000 } },
      { start: 2_990_000, end: 9_000_000 },
    ],
    ['with no answer at all', { times: 3, what: { kind: 'drop', when: 'before' } }, undefined],
  ] as const)('%s, goes on where it broke off', async (_, fault, range) => {
    bed.server.faults.push({ operation: 'GetObject', ...fault });
    const bytes = await read(range === undefined ? {} : { range });
    expect(BODY.subarray(range?.start ?? 0, (range?.end ?? BODY.length) + 1).equals(bytes)).toBe(true);
    expect(gets()).toBeGreaterThan(1);
  });

  test('without a byte in between, too often, is an error', async () => {
    bed.server.faults.push({ operation: 'GetObject', what: { kind: 'cut', afterBytes: 0 } });
    await expect(read()).rejects.toThrow(
      /^cannot read backup\/dump\.sql from bucket bucket: .* — check the network/,
    );
  });

  test('and finds other bytes in the object, is an error, also when they are as many', async () => {
    const chunks: Buffer[] = [];
    bed.server.faults.push({ operation: 'GetObject', times: 1, what: { kind: 'cut', afterBytes: 1000 } });
    const reading = async () => {
      for await (const chunk of readObject(bed.store, KEY, { signal: inTime() })) {
        if (chunks.length === 0) await put(randomBytes(BODY.length));
        chunks.push(chunk);
      }
    };
    await expect(reading()).rejects.toThrow(/the object changed while it was being read/);
    expect(Buffer.concat(chunks).equals(BODY.subarray(0, 1000))).toBe(true);
  });

  test('and finds the object gone, is an error', async () => {
    bed.server.faults.push({ operation: 'GetObject', times: 1, what: { kind: 'cut', afterBytes: 1000 } });
    const reading = async () => {
      for await (const _ of readObject(bed.store, KEY, { signal: inTime() }))
        await bed.store.remove([KEY], inTime());
    };
    await expect(reading()).rejects.toThrow(/there is no such object/);
  });
});

test('more bytes than were asked for are none of the object, and an error', async () => {
  const to = (body: Buffer) => Buffer.concat([body, Buffer.from('more')]);
  bed.server.faults.push({ operation: 'GetObject', what: { kind: 'alter', to } });
  await expect(read({ range: { start: 0, end: 99 } })).rejects.toThrow(
    /more bytes arrived than were requested/,
  );
});

test('an empty object, and a range without a byte, have none', async () => {
  expect(await read({ range: { start: 10, end: 9 } })).toEqual(Buffer.of());
  await put(Buffer.of());
  expect(await read()).toEqual(Buffer.of());
});

test('a signal ends it with its reason', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  const reading = async () => {
    for await (const _ of readObject(bed.store, KEY, { signal: stop.signal })) stop.abort(reason);
  };
  await expect(reading()).rejects.toBe(reason);
});

test('a signal ends it with its reason also while it waits to read on', async () => {
  bed.server.faults.push({ operation: 'GetObject', what: { kind: 'cut', afterBytes: 0 } });
  const stop = new AbortController();
  const reason = new Error('enough');
  const get: typeof bed.store.get = async (...args) => {
    const object = await bed.store.get(...args);
    object?.body.once('close', () => setTimeout(() => stop.abort(reason), 10));
    return object;
  };
  const reading = async () => {
    for await (const _ of readObject({ ...bed.store, get }, KEY, { signal: stop.signal }));
  };
  await expect(reading()).rejects.toBe(reason);
});

test('a reader that stops early leaves no connection busy', async () => {
  for (let round = 0; round < 70; round++) {
    for await (const _ of readObject(bed.store, KEY, { signal: inTime() })) break;
  }
  // The client has 64 connections: were they still in use, this would wait for ever.
  expect(await bed.store.head(KEY, inTime())).toMatchObject({ bytes: BODY.length });
});

test('more objects than there are connections can be read side by side', async () => {
  const readers = Array.from({ length: 70 }, () => readInPieces(bed.store, KEY, inTime()));
  await Promise.all(readers.map((reader) => reader.next()));
  expect(await bed.store.head(KEY, inTime())).toMatchObject({ bytes: BODY.length });
  await Promise.all(readers.map((reader) => reader.return(undefined)));
});

test('in pieces it is the same, and one that is replaced meanwhile is an error', async () => {
  const chunks: Buffer[] = [];
  for await (const chunk of readInPieces(bed.store, KEY, inTime())) chunks.push(chunk);
  expect(BODY.equals(Buffer.concat(chunks))).toBe(true);
  const reading = async () => {
    for await (const chunk of readInPieces(bed.store, KEY, inTime())) {
      if (chunks.length > 0) await put(Buffer.concat([chunk, BODY]));
      chunks.length = 0;
    }
  };
  await expect(reading()).rejects.toThrow(/the object changed while it was being read/);
});
