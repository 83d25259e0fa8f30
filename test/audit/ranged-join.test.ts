import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinReferences } from '../../src/audit/join/join-references.ts';
import { cutRanges } from '../../src/audit/join/reference-ranges.ts';
import { type Batch, batchOf } from '../../src/audit/rows/reference-batches.ts';
import type { Reference } from '../../src/audit/rows/references.ts';
import type { MatchedSource } from '../../src/audit/sources/match-sources.ts';
import { keyBytes } from '../../src/s3/key-bytes.ts';
import { type ListPages, listRanges } from '../../src/s3/range-listing.ts';

const never = new AbortController().signal;
const OLD = new Date(0);

const source = { relation: { schema: 'public', name: 't' } } as MatchedSource;

const row = (key: string): Reference => ({
  kind: 'key',
  key: keyBytes(key),
  source,
  young: false,
  id: '',
});

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** A bucket in memory, of `size` objects a page. */
function listPagesOf(keys: readonly string[], size: number): ListPages {
  return async function* (_prefix, { startAfter }) {
    const rest = keys.filter((key) => startAfter === undefined || byBytes(key, startAfter) > 0);
    for (let at = 0; at < rest.length; at += size) {
      const page = rest.slice(at, at + size).map((key) => ({ key, bytes: 1, lastModified: OLD, etag: '' }));
      yield { lastKey: page.at(-1)!.key, take: () => page };
    }
  };
}

function join(
  rows: AsyncIterable<Batch>,
  listPages: ListPages,
  { readers, objectsPerRange }: { readonly readers: number; readonly objectsPerRange: number },
) {
  const cut = cutRanges(rows, objectsPerRange);
  const objects = listRanges(listPages, 'm/', cut.ranges, { readers, signal: never, onRange: cut.listed });
  const { references, isListed } = cut;
  return joinReferences({ references, objects, isListed, cutoff: new Date() });
}

const keys = (maxLength: number) =>
  fc.array(
    fc
      .string({ unit: fc.constantFrom('a', 'b', '\uffff', '\u{10000}'), maxLength: 3 })
      .map((end) => `m/${end}`),
    { maxLength },
  );

test('a listing in ranges joins as a whole one would, wherever its ranges end', async () => {
  await fc.assert(
    fc.asyncProperty(
      keys(25),
      keys(25),
      fc.record({ size: fc.integer({ min: 1, max: 4 }), page: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ readers: fc.integer({ min: 1, max: 3 }), objectsPerRange: fc.integer({ min: 1, max: 5 }) }),
      async (named, there, { size, page }, how) => {
        const sorted = named.toSorted(byBytes);
        const bucket = [...new Set(there)].toSorted(byBytes);
        async function* batches() {
          for (let at = 0; at < sorted.length; at += size)
            yield batchOf(sorted.slice(at, at + size).map(row));
        }
        const found: string[] = [];
        for await (const batch of join(batches(), listPagesOf(bucket, page), how)) {
          for (const one of batch) {
            if (one.kind === 'dangling') found.push(`dangling ${String(one.reference.key)}`);
            if (one.kind === 'orphan') found.push(`orphan ${String(keyBytes(one.object.key))}`);
          }
        }
        const bytes = (key: string) => String(keyBytes(key));
        const expected = [
          ...sorted.filter((key) => !bucket.includes(key)).map((key) => `dangling ${bytes(key)}`),
          ...bucket.filter((key) => !sorted.includes(key)).map((key) => `orphan ${bytes(key)}`),
        ];
        expect(found.sort()).toEqual(expected.sort());
      },
    ),
    { numRuns: 1000 },
  );
});

test('where the bucket has nothing, no more rows wait than a few ranges hold', async () => {
  let read = 0;
  async function* rows(): AsyncGenerator<Batch> {
    for (let n = 0; n < 20_000; n += 100) {
      read += 100;
      yield batchOf(Array.from({ length: 100 }, (_, i) => row(`m/${String(n + i).padStart(6, '0')}`)));
    }
  }
  let judged = 0;
  let ahead = 0;
  for await (const batch of join(rows(), listPagesOf([], 1), { readers: 4, objectsPerRange: 100 })) {
    judged += batch.length;
    ahead = Math.max(ahead, read - judged);
  }
  expect(judged).toBe(20_000);
  expect(ahead).toBeLessThan(2000);
});
