import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asKeyBytes, compareKeyBytes, isKey, keyBytes, keyOf } from '../../src/s3/key-bytes.ts';

/** Characters of each length in UTF-8 and UTF-16, and the edges between them. */
const key = fc.string({
  unit: fc.oneof(
    fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
    fc.constantFrom(
      'a',
      '/',
      '\0',
      '\x1f',
      ' ',
      '~',
      '\x7f',
      '\x80',
      '\u07ff',
      '\u0800',
      '\ue000',
      '\uffff',
      '\u{10000}',
    ),
  ),
  maxLength: 4,
});

test('their order is that of the bytes', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const order = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(compareKeyBytes(keyBytes(a), keyBytes(b))).toBe(order);
      expect(keyBytes(a) < keyBytes(b)).toBe(order < 0);
    }),
    { numRuns: 5000 },
  );
});

test('there is a character for each byte, and the key is got back', () => {
  fc.assert(
    fc.property(key, (text) => {
      const bytes = keyBytes(text);
      expect(Buffer.from(String(bytes), 'latin1')).toEqual(Buffer.from(text));
      expect(keyOf(bytes)).toBe(text);
      expect(isKey(bytes)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['a byte that is no UTF-8', '\xff'],
  ['half a character', '\xc3'],
  ['half of a pair of surrogates', '\xed\xa0\x80'],
])('%s is in no key', (_, text) => {
  expect(isKey(asKeyBytes(`a${text}`))).toBe(false);
  expect(keyOf(asKeyBytes(`a${text}`))).toMatch(/^a\uFFFD+$/);
});
