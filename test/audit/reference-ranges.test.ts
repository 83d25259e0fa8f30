import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutRanges, type ReferenceRange } from '../../src/audit/join/reference-ranges.ts';
import { type Batch, batchOf } from '../../src/audit/rows/reference-batches.ts';
import type { Reference } from '../../src/audit/rows/references.ts';
import type { MatchedSource } from '../../src/audit/sources/match-sources.ts';
import { asKeyBytes, keyBytes } from '../../src/s3/key-bytes.ts';

const source = {} as MatchedSource;

function references(keys: readonly (string | Buffer)[]): Reference[] {
  return keys.map((key) => ({
    kind: 'key',
    key: typeof key === 'string' ? keyBytes(key) : asKeyBytes(key.toString('latin1')),
    source,
    young: false,
    id: '',
  }));
}

async function* batches(items: readonly Reference[], size: number): AsyncGenerator<Batch> {
  for (let at = 0; at < items.length; at += size) yield batchOf(items.slice(at, at + size));
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => `m/${String(n).padStart(6, '0')}`);

test('ranges end at references, and the last is open', async () => {
  const cut = cutRanges(batches(references(numbered(25)), 7), 10);
  expect(await collect(cut.ranges)).toEqual([
    { after: undefined, upTo: 'm/000009', references: 10 },
    { after: 'm/000009', upTo: 'm/000019', references: 10 },
    { after: 'm/000019', upTo: undefined, references: 5 },
  ]);
});

test.each([
  ['no reference', [], [[undefined, undefined]]],
  [
    'the same key over and over',
    Array.from({ length: 30 }, () => 'm/a'),
    [
      [undefined, 'm/a'],
      ['m/a', undefined],
    ],
  ],
  [
    'keys that no server can be asked for',
    ['m/a', Buffer.from([0x6d, 0x2f, 0xff]), `m/${'x'.repeat(1100)}`, 'm/y'],
    [
      [undefined, 'm/a'],
      ['m/a', 'm/y'],
      ['m/y', undefined],
    ],
  ],
])('%s', async (_name, keys, expected) => {
  const ranges = await collect(cutRanges(batches(references(keys), 3), 1).ranges);
  expect(ranges.map(({ after, upTo }) => [after, upTo])).toEqual(expected);
});

test('where rows own many objects, fewer of them make a range', async () => {
  const cut = cutRanges(batches(references(numbered(10_000)), 500), 1000);
  const sizes: number[] = [];
  for await (const range of cut.ranges) {
    sizes.push(range.references);
    cut.listed(range, range.references * 100);
  }
  expect(sizes[0]).toBe(1000);
  expect(sizes.at(-2)).toBe(10);
});

test('whoever is ahead, ranges or join, every reference comes once and the ranges are without a gap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('ranges', 'references'), { maxLength: 60 }),
      fc.nat(100),
      fc.integer({ min: 1, max: 9 }),
      async (turns, count, size) => {
        const given = references(numbered(count));
        const cut = cutRanges(batches(given, size), 10);
        const taken: Reference[] = [];
        const ranges: ReferenceRange[] = [];
        const step = {
          async references() {
            const next = await cut.references.next();
            if (next.done !== true) taken.push(...next.value);
            return next.done === true;
          },
          async ranges() {
            const next = await cut.ranges.next();
            if (next.done !== true) ranges.push(next.value);
            return next.done === true;
          },
        };
        await Promise.all(turns.map((turn) => step[turn]()));
        while (!(await step.ranges()));
        while (!(await step.references()));
        expect(taken).toEqual(given);
        expect(ranges.map(({ after }) => after)).toEqual([
          undefined,
          ...ranges.slice(0, -1).map(({ upTo }) => upTo),
        ]);
        expect(ranges.at(-1)?.upTo).toBeUndefined();
        expect(ranges.reduce((sum, range) => sum + range.references, 0)).toBe(count);
      },
    ),
  );
});

test('a source that fails fails both', async () => {
  async function* failing(): AsyncGenerator<Batch> {
    yield batchOf(references(['m/a']));
    throw new Error('the connection is lost');
  }
  const cut = cutRanges(failing(), 10);
  await expect(collect(cut.ranges)).rejects.toThrow('the connection is lost');
  await expect(collect(cut.references)).rejects.toThrow('the connection is lost');
});
