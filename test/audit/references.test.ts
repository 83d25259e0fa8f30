import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutRanges } from '../../src/audit/join/reference-ranges.ts';
import { readReferences } from '../../src/audit/rows/references.ts';
import type { MatchedSource } from '../../src/audit/sources/match-sources.ts';
import { asKeyBytes } from '../../src/s3/key-bytes.ts';

const sources = [{ owned: { kind: 'key', column: 'file', under: '' } } as unknown as MatchedSource];

/** Rows of the reference query as COPY sends them, in pieces that end anywhere. */
async function* copied(keys: readonly string[], pieceLengths: readonly number[]): AsyncGenerator<Buffer> {
  const rows = Buffer.from(keys.map((key, index) => `${key}\t0\tf\t${index}\n`).join(''));
  let start = 0;
  for (let n = 0; start < rows.length; n++) {
    const end = start + (pieceLengths[n % pieceLengths.length] ?? rows.length);
    // A copy: whoever sends may use its own memory again, too.
    yield Buffer.from(rows.subarray(start, end));
    start = end;
  }
}

test('rows that wait keep what is theirs, whichever side is ahead', async () => {
  const steps = fc.array(fc.constantFrom('references', 'ranges'), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 600 }),
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 90 }),
      steps,
      async (count, pieceLengths, objectsPerRange, order) => {
        const keys = Array.from({ length: count }, (_, n) => `m/${String(n).padStart(6, '0')}`);
        const cut = cutRanges(readReferences(copied(keys, pieceLengths), sources), objectsPerRange);
        const taken: string[] = [];
        const bounds: (string | undefined)[] = [];
        const ended = { references: false, ranges: false };
        const take = {
          async references() {
            const batch = await cut.references.next();
            ended.references = batch.done === true;
            for (const { key, id } of batch.value ?? []) {
              expect(key).toBe(asKeyBytes(keys[Number(id)]!));
              taken.push(id);
            }
          },
          async ranges() {
            const range = await cut.ranges.next();
            ended.ranges = range.done === true;
            if (range.done !== true) bounds.push(range.value.upTo);
          },
        };
        for (let n = 0; !ended.references || !ended.ranges; n++) {
          const side = order[n % order.length]!;
          const other = side === 'ranges' ? 'references' : 'ranges';
          await take[ended[side] ? other : side]();
        }
        expect(taken).toEqual(keys.map((_, index) => String(index)));
        const every = keys.filter((_, index) => (index + 1) % objectsPerRange === 0);
        expect(bounds).toEqual([...every, undefined]);
      },
    ),
    { numRuns: 300 },
  );
});
