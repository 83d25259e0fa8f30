import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashBytes } from '../../src/verify/hash-bytes.ts';

const sha256 = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex');

function hashed(text: string, cuts: readonly number[] = [], most?: number) {
  const hash = hashBytes(most);
  const bytes = Buffer.from(text, 'latin1');
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [at, from] of places.slice(0, -1).entries()) {
    const chunk = bytes.subarray(from, places[at + 1]);
    hash.add(chunk);
    // The chunks belong to somebody else.
    chunk.fill(0);
  }
  return hash.end();
}

const PIECES = ['\n', '\\restrict ', '\\unrestrict ', 'Abc9', '\\.', '\\', ' ', 'row\t1', '\\res'];

test('the keys are left out, however the bytes are cut', () => {
  const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 12 }), (dump, cuts) => {
      const { length } = dump;
      const withoutKeys = dump.replace(/\n\\(un)?restrict .*/g, '\n');
      expect(hashed(dump, cuts)).toEqual({ bytes: length, sha256: sha256(withoutKeys) });
    }),
  );
});

test('only so many bytes are counted', () => {
  expect(hashed('abc\n\\restrict k\ndef', [2, 9], 17)).toEqual({ bytes: 17, sha256: sha256('abc\n\nd') });
  expect(hashed('abc', [], 0)).toEqual({ bytes: 0, sha256: sha256('') });
});
