import { expect, inject, test } from 'vitest';
import { textDecoder } from '../../src/dump/text-decoder.ts';
import { withClient } from '../support/database.ts';

const LETTERS = Buffer.from(Array.from({ length: 0x60 }, (_, at) => 0xa0 + at));

test.each([
  'LATIN1',
  'LATIN2',
  'LATIN5',
  'LATIN9',
  'LATIN10',
  'ISO_8859_5',
  'KOI8R',
  'KOI8U',
  'WIN1250',
  'WIN1251',
  'WIN1252',
])('%s is read as PostgreSQL reads it', async (encoding) => {
  const read = await withClient(inject('postgres'), 'postgres', async (client) => {
    const { rows } = await client.query<{ read: string }>('SELECT convert_from($1, $2) AS read', [
      LETTERS,
      encoding,
    ]);
    return rows[0]?.read;
  });
  expect(textDecoder(encoding)(LETTERS)).toBe(read);
  expect(textDecoder(encoding)(Buffer.from('a "b"'))).toBe('a "b"');
});
