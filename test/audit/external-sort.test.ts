import { mkdtempSync, readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sortRecords } from '../../src/audit/dumped/external-sort.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const never = new AbortController().signal;
let scratch: ReturnType<typeof scratchDirectory>;

beforeAll(() => {
  scratch = scratchDirectory('sort');
});

afterAll(() => scratch.remove());

async function* batches(records: readonly string[], size: number): AsyncGenerator<readonly string[]> {
  for (let at = 0; at < records.length; at += size) yield records.slice(at, at + size);
}

async function sorted(records: readonly string[], memory: number, size = 3): Promise<string[]> {
  const found: string[] = [];
  const space = { memory, directory: scratch.path };
  for await (const batch of sortRecords(batches(records, size), space, never)) found.push(...batch);
  return found;
}

const byteString = fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

test('any records come in the order of their bytes, however little memory there is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(byteString, { maxLength: 60 }),
      fc.integer({ min: 1, max: 2000 }),
      async (records, memory) => {
        const bytes = (text: string) => Buffer.from(text, 'latin1');
        const expected = records.toSorted((a, b) => Buffer.compare(bytes(a), bytes(b)));
        expect(await sorted(records, memory)).toEqual(expected);
      },
    ),
    { numRuns: 100 },
  );
  expect(readdirSync(scratch.path)).toEqual([]);
});

test('records longer than what is read of a file at once', async () => {
  const records = ['b', 'a'].map((letter) => letter.repeat(300_000));
  expect(await sorted(records, 1, 1)).toEqual(records.toReversed());
});

/** Files under the directory of the test that this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(scratch.path);
    } catch {
      // The one by which the list itself was read.
      return false;
    }
  }).length;
}

test.each([
  { what: 'hardly any memory', memory: 1, length: 1, open: 2 },
  { what: 'memory for a few', memory: 160 * 1024, length: 4000, open: 5 },
  { what: 'memory for more than are merged at once', memory: 2 * 1024 ** 2, length: 50_000, open: 16 },
])('with $what, no more than $open of many runs are open at once', async ({ memory, length, open }) => {
  const records = Array.from({ length: 1000 }, (_, at) => `${(at * 7919) % 1000}`.padStart(length, '0'));
  let most = 0;
  let watching = true;
  const watch = () => {
    most = Math.max(most, openFiles());
    if (watching) setImmediate(watch);
  };
  watch();
  const found: string[] = [];
  let files = 0;
  for await (const batch of sortRecords(batches(records, 10), { memory, directory: scratch.path }, never)) {
    files = Math.max(files, readdirSync(scratch.path, { recursive: true }).length - 1);
    most = Math.max(most, openFiles());
    found.push(...batch);
  }
  watching = false;
  expect(found).toEqual(records.toSorted());
  // Those that were merged are gone; beside those that are read one is written.
  expect(files).toBe(open);
  expect(most).toBeGreaterThanOrEqual(open);
  expect(most).toBeLessThanOrEqual(open + 1);
});

test('one that is stopped while it merges leaves no file, and none open', async () => {
  const stop = new AbortController();
  const records = Array.from({ length: 1000 }, (_, at) => `${at}`);
  const isMerging = () => {
    const names = readdirSync(scratch.path, { recursive: true });
    if (names.some((name) => String(name).endsWith('/110'))) stop.abort(new Error('stopped'));
    else if (!stop.signal.aborted) setImmediate(isMerging);
  };
  isMerging();
  const sort = sortRecords(batches(records, 10), { memory: 1, directory: scratch.path }, stop.signal);
  try {
    await expect(sort.next()).rejects.toThrow('stopped');
  } finally {
    stop.abort();
  }
  expect(readdirSync(scratch.path)).toEqual([]);
  expect(openFiles()).toBe(0);
});

test('nothing is left when nobody reads on, or when the records fail', async () => {
  const space = { memory: 1, directory: scratch.path };
  for await (const _ of sortRecords(batches(['b', 'a'], 1), space, never)) break;
  async function* failing(): AsyncGenerator<readonly string[]> {
    yield ['a'];
    throw new Error('lost');
  }
  await expect(sortRecords(failing(), space, never).next()).rejects.toThrow('lost');
  expect(readdirSync(scratch.path)).toEqual([]);
});

/** A file takes the place of a directory, in which nothing can be removed then. */
function takeAway(directory: string): void {
  renameSync(directory, `${directory}-moved`);
  writeFileSync(directory, '');
}

test('files that cannot be removed are told of', async () => {
  const directory = mkdtempSync(`${scratch.path}/told-`);
  const sort = sortRecords(batches(['b', 'a'], 1), { memory: 1, directory }, never);
  expect((await sort.next()).value).toEqual(['a', 'b']);
  takeAway(directory);
  await expect(sort.next()).rejects.toThrow(
    new RegExp(`^cannot remove ${directory}/topobank-backup-\\w+: ENOTDIR — delete it by hand$`),
  );
});

test('that they cannot does not hide why a sort failed', async () => {
  const directory = mkdtempSync(`${scratch.path}/failing-`);
  async function* failing(): AsyncGenerator<readonly string[]> {
    yield ['a'];
    takeAway(directory);
    throw new Error('lost');
  }
  await expect(sortRecords(failing(), { memory: 1, directory }, never).next()).rejects.toThrow('lost');
});

test('a directory that is not there is the operator’s to correct', async () => {
  const space = { memory: 1, directory: '/nowhere' };
  await expect(sortRecords(batches(['a'], 1), space, never).next()).rejects.toThrow(
    /cannot sort in \/nowhere: ENOENT — .*AUDIT_TMPDIR/,
  );
});
