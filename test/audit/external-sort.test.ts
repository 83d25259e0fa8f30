import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sortRecords } from '../../src/audit/external-sort.ts';
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

test('a directory that is not there is the operator’s to correct', async () => {
  const space = { memory: 1, directory: '/nowhere' };
  await expect(sortRecords(batches(['a'], 1), space, never).next()).rejects.toThrow(
    /cannot sort in \/nowhere: ENOENT — .*AUDIT_TMPDIR/,
  );
});
