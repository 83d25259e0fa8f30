import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { type KeyRange, listRanges } from '../../src/s3/range-listing.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { type S3Server, startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { storeEnv } from '../support/topobank-backup.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
const scratch = scratchDirectory('ranges');
let server: S3Server;
let store: Store & { close(): void };

/** More than a page. */
const KEYS = Array.from({ length: 2500 }, (_, n) => `media/${String(n).padStart(5, '0')}`);

beforeAll(async () => {
  server = await startS3Server({ directory: scratch.path });
  store = openStore(readConfig({ env: storeEnv(server), flags: {} }, ['store']));
  await store.ensureBucket(never);
  const put = (key: string) =>
    store.put(key, Buffer.from('x'), { ifAbsent: false, contentType: 'text/plain', signal: never });
  for (let at = 0; at < KEYS.length; at += 50) await Promise.all(KEYS.slice(at, at + 50).map(put));
  await Promise.all(['backup/x', 'media', 'media0', 'mediation/x'].map(put));
});

afterAll(async () => {
  store.close();
  await server.close();
  scratch.remove();
});

beforeEach(() => {
  server.faults.length = 0;
  server.requests.length = 0;
});

/** Ranges that end at these keys, and the rest. */
async function* rangesAt(bounds: readonly string[]): AsyncGenerator<KeyRange> {
  for (const [index, upTo] of [...bounds, undefined].entries()) yield { after: bounds[index - 1], upTo };
}

async function list(ranges: AsyncIterator<KeyRange>, readers: number, signal = never): Promise<string[]> {
  const keys: string[] = [];
  const pages = listRanges(store.listPages, 'media/', ranges, { readers, signal, onRange: () => {} });
  for await (const page of pages) keys.push(...page.map(({ key }) => key));
  return keys;
}

describe.each([1, 3, 20])('%i readers', (readers) => {
  test.each<[string, string[]]>([
    ['one range', []],
    ['bounds at keys', ['media/00009', 'media/00999', 'media/01000', 'media/02400']],
    ['bounds between keys', ['media/00009-', 'media/00500/', 'media/02000é']],
    [
      'ranges without a key',
      ['media/', 'media/00500+', 'media/00500,', 'media/00500-', 'media/9', 'media/99'],
    ],
    ['many ranges', KEYS.filter((_, index) => index % 37 === 0)],
  ])('%s: every key of the prefix once, in order', async (_name, bounds) => {
    expect(await list(rangesAt(bounds), readers)).toEqual(KEYS);
  });
});

test('a range that ends with a page costs no request more', async () => {
  const objects: number[] = [];
  const pages = listRanges(store.listPages, 'media/', rangesAt(['media/00999', 'media/01999']), {
    readers: 3,
    signal: never,
    onRange: (_range, count) => objects.push(count),
  });
  for await (const _ of pages);
  expect(objects).toEqual([1000, 1000, 500]);
  expect(server.requests.length).toBe(3);
});

test('readers work at the same time', async () => {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  let held = 0;
  const onHeld = () => {
    held += 1;
    if (held === 3) release();
  };
  server.faults.push({ operation: 'ListObjectsV2', times: 3, what: { kind: 'hold', until, onHeld } });
  expect(await list(rangesAt(['media/00500', 'media/01500']), 3)).toEqual(KEYS);
});

test('a range that cannot be read fails the listing, at its place', async () => {
  const keys: string[] = [];
  const pages = listRanges(store.listPages, 'media/', rangesAt(['media/00499', 'media/00999']), {
    readers: 3,
    signal: never,
    onRange: () => {},
  });
  server.faults.push({
    operation: 'ListObjectsV2',
    after: 1,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const reading = async () => {
    for await (const page of pages) keys.push(...page.map(({ key }) => key));
  };
  await expect(reading()).rejects.toThrow(/cannot list media\/ .*403 AccessDenied .*s3:ListBucket/);
  expect(keys).toEqual(KEYS.slice(0, keys.length));
  expect(keys.length).toBeLessThanOrEqual(500);
});

test('an abort is not kept waiting by requests that hang', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  let held = 0;
  const onHeld = () => {
    held += 1;
    if (held === 2) stop.abort(reason);
  };
  server.faults.push({
    operation: 'ListObjectsV2',
    what: { kind: 'hold', until: new Promise(() => {}), onHeld },
  });
  await expect(list(rangesAt(['media/00500']), 2, stop.signal)).rejects.toBe(reason);
});

test('who reads no further is not kept waiting either', async () => {
  const until = new Promise<void>(() => {});
  server.faults.push({ operation: 'ListObjectsV2', after: 1, what: { kind: 'hold', until } });
  const pages = listRanges(store.listPages, 'media/', rangesAt([]), {
    readers: 1,
    signal: never,
    onRange: () => {},
  });
  for await (const page of pages) {
    expect(page.map(({ key }) => key)).toEqual(KEYS.slice(0, 1000));
    break;
  }
});

test('who reads no further ends the ranges, too', async () => {
  let ended = false;
  async function* ranges(): AsyncGenerator<KeyRange> {
    try {
      yield* rangesAt(KEYS);
    } finally {
      ended = true;
    }
  }
  const options = { readers: 1, signal: never, onRange: () => {} };
  for await (const _ of listRanges(store.listPages, 'media/', ranges(), options)) break;
  expect(ended).toBe(true);
});
