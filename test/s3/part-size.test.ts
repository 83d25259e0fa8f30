import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LARGEST_PART_BYTES, partSize, partsInMemory, uploadCapacity } from '../../src/s3/part-size.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;

const maxParts = fc.integer({ min: 1, max: 10_000 });

/** Sizes of the parts that an object of `bytes` is cut into. */
function cut(bytes: number, most: number): number[] {
  const sizes: number[] = [];
  for (let left = bytes; left > 0; left -= sizes.at(-1)!) {
    sizes.push(Math.min(left, partSize(sizes.length + 1, most)));
  }
  return sizes;
}

test('an object of any size up to the capacity fits, in parts that S3 and Node take', () => {
  fc.assert(
    fc.property(maxParts, fc.double({ min: 0, max: 1, noNaN: true }), (most, share) => {
      const bytes = Math.floor(share * uploadCapacity(most));
      const sizes = cut(bytes, most);
      expect(sizes.length).toBeLessThanOrEqual(most);
      for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(5 * MIB);
      for (const size of sizes) expect(size).toBeLessThanOrEqual(LARGEST_PART_BYTES);
      // Node's hashes refuse 2 GiB and more, S3 refuses more than 5 GiB.
      expect(LARGEST_PART_BYTES).toBeLessThan(2 * GIB);
    }),
    { numRuns: 50 },
  );
});

test('parts never shrink, and the last ones are the largest', () => {
  fc.assert(
    fc.property(maxParts, fc.integer({ min: 1, max: 9_999 }), (most, partNumber) => {
      if (partNumber < most)
        expect(partSize(partNumber, most)).toBeLessThanOrEqual(partSize(partNumber + 1, most));
      expect(partSize(most, most)).toBe(LARGEST_PART_BYTES);
    }),
  );
});

test.each([
  { most: 10_000, bytes: GIB, largest: 8 * MIB },
  { most: 10_000, bytes: 7.8 * GIB, largest: 8 * MIB },
  { most: 10_000, bytes: 100 * GIB, largest: 64 * MIB },
  { most: 10_000, bytes: 900 * GIB, largest: 512 * MIB },
  { most: 10_000, bytes: 5 * TIB, largest: LARGEST_PART_BYTES },
  { most: 1000, bytes: 700 * MIB, largest: 8 * MIB },
  { most: 1000, bytes: 20 * GIB, largest: 128 * MIB },
  { most: 1, bytes: GIB, largest: GIB },
])('of at most $most parts, $bytes bytes take none larger than $largest', ({ most, bytes, largest }) => {
  const sizes = cut(bytes, most);
  expect(sizes.length).toBeLessThanOrEqual(most);
  expect(Math.max(...sizes)).toBe(largest);
});

test.each([
  { bytes: 8 * MIB, most: 3, expected: 3 },
  { bytes: 32 * MIB, most: 3, expected: 3 },
  { bytes: 64 * MIB, most: 3, expected: 2 },
  { bytes: LARGEST_PART_BYTES, most: 3, expected: 2 },
  { bytes: LARGEST_PART_BYTES, most: 1, expected: 1 },
  { bytes: 128 * MIB, most: 32, expected: 8 },
])('$most parts at a time are $expected of $bytes bytes', ({ bytes, most, expected }) => {
  expect(partsInMemory(bytes, most)).toBe(expected);
});
