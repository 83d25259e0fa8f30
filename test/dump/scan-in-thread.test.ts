import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { type StartThread, scanInThread } from '../../src/dump/scan-in-thread.ts';
import { scanDump } from '../../src/dump/scanner.ts';
import { DumpError } from '../../src/errors.ts';
import { dumpText, entry } from '../support/dump-text.ts';

/** The thread of this source, as Node can read it. */
const [script] = buildSync({
  entryPoints: [fileURLToPath(new URL('../../src/dump/scan-thread.ts', import.meta.url))],
  bundle: true,
  platform: 'node',
  write: false,
}).outputFiles;
const startThread: StartThread = (workerData) => new Worker(script!.text, { eval: true, workerData });
const scanHere = scanInThread(startThread);

const line = 'a row of a table with\tsome columns\n';

/** A dump of so many rows, of which each has the length of `line`. */
function dumpOf(rows: number): Buffer {
  const data = line.repeat(rows);
  const text = `${entry('TABLE DATA', 't')}\nCOPY public.t (a, b) FROM stdin;\n${data}\\.\n\n`;
  return Buffer.from(dumpText(text));
}

/** Chunks that lie in one piece of memory, and ones that have their own. */
async function* chunksOf(dump: Buffer, bytes: number, own: boolean): AsyncGenerator<Buffer> {
  for (let at = 0; at < dump.length; at += bytes) {
    const chunk = dump.subarray(at, at + bytes);
    if (!own) yield chunk;
    else {
      const copy = Buffer.allocUnsafeSlow(chunk.length);
      chunk.copy(copy);
      yield copy;
    }
    yield Buffer.alloc(0);
  }
}

const uncounted = { onBytes: () => {} };

test.each([
  ['no rows', 0, 1000, true],
  ['few rows', 100, 7, true],
  ['more than a few pieces', 600_000, 65_536, true],
  ['chunks that are larger than a piece', 600_000, 5_000_001, true],
  ['chunks in memory that others use too', 300_000, 65_536, false],
])('finds the same index as without a thread: %s', async (_, rows, bytes, own) => {
  const dump = dumpOf(rows);
  const expected = await scanDump('test.sql', chunksOf(dump, bytes, true), uncounted);
  const before = Buffer.from(dump);
  let counted = 0;
  const onBytes = (count: number) => {
    counted += count;
  };
  expect(await scanHere('test.sql', chunksOf(dump, bytes, own), { onBytes })).toEqual(expected);
  expect(expected.tables[0]?.rows).toBe(rows);
  expect(counted).toBe(before.length);
  expect(dump.equals(before)).toBe(true);
});

test.each([
  ['no dump', randomBytes(200_000)],
  ['a dump that ends early', dumpOf(100_000).subarray(0, 2_000_000)],
  ['nothing', Buffer.alloc(0)],
])('refuses %s with the words of the scanner', async (_, dump) => {
  const refused = async (scan: typeof scanHere) =>
    scan('test.sql', chunksOf(dump, 65_536, true), uncounted).catch((error: unknown) => error);
  const error = await refused(scanHere);
  expect(error).toBeInstanceOf(DumpError);
  expect(error).toEqual(await refused(scanDump));
});

test('however slowly the bytes come, what is no dump is refused soon', async () => {
  await expect(scanHere('test.sql', slowly(Buffer.from('PGDMP\x01\x0e')), uncounted)).rejects.toThrow(
    'custom format',
  );
});

test('reads no further than a few pieces behind a fault', async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      given += 1;
      yield randomBytes(1024 ** 2);
    }
  }
  await expect(scanHere('test.sql', endless(), uncounted)).rejects.toThrow(DumpError);
  expect(given).toBeLessThan(32);
});

async function* broken(): AsyncGenerator<Buffer> {
  yield Buffer.from('--\n');
  throw new Error('the connection broke');
}

test.each<[string, AsyncIterable<Buffer>, string]>([
  ['the dump was read', chunksOf(dumpOf(1), 1000, true), 'read'],
  ['it is none', chunksOf(randomBytes(1000), 1000, true), 'cannot read the dump'],
  ['the reading fails', broken(), 'the connection broke'],
])('the thread has ended when %s', async (_, dump, expected) => {
  const threads: Worker[] = [];
  const start: StartThread = (workerData) => {
    const thread = startThread(workerData);
    threads.push(thread);
    return thread;
  };
  const told = await scanInThread(start)('test.sql', dump, uncounted).then(
    () => 'read',
    (error: Error) => error.message,
  );
  expect(told).toContain(expected);
  expect(threads.map(({ threadId }) => threadId)).toEqual([-1]);
});

/** A chunk, and then one each time that it is waited for. */
async function* slowly(first: Buffer): AsyncGenerator<Buffer> {
  yield first;
  for (;;) yield await delay(5, Buffer.from('x'));
}

test.each([
  ['throws', 'throw Error("out of order")', 'out of order'],
  ['ends', 'process.exit(1)', 'the thread that scans the dump has ended'],
])('a thread that %s is an error', async (_, code, message) => {
  const start: StartThread = () => new Worker(code, { eval: true });
  await expect(
    scanInThread(start)('test.sql', chunksOf(dumpOf(600_000), 65_536, true), uncounted),
  ).rejects.toThrow(message);
  await expect(scanInThread(start)('test.sql', slowly(Buffer.from('x')), uncounted)).rejects.toThrow(message);
});
