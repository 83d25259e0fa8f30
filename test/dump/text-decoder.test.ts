import { expect, inject, test } from 'vitest';
import { isReadExactly, textDecoder } from '../../src/dump/text-decoder.ts';
import { withClient } from '../support/database.ts';

/** The characters of these bytes, as PostgreSQL reads them; without those that are none. */
async function charactersOf(
  encoding: string,
  bytes: string,
): Promise<{ readonly bytes: Buffer; readonly character: string }[]> {
  return withClient(inject('postgres'), 'postgres', async (client) => {
    await client.query(`CREATE FUNCTION pg_temp.read(bytes bytea, encoding text) RETURNS text LANGUAGE plpgsql AS
      $$BEGIN RETURN convert_from(bytes, encoding); EXCEPTION WHEN data_exception THEN RETURN NULL; END$$`);
    const { rows } = await client.query<{ bytes: Buffer; character: string }>(
      `SELECT * FROM (SELECT bytes, pg_temp.read(bytes, $1) AS character FROM (${bytes}) AS all_bytes) AS each
       WHERE character IS NOT NULL`,
      [encoding],
    );
    return rows;
  });
}

const ONE_BYTE = `SELECT set_byte('\\x00', 0, byte) AS bytes FROM generate_series(1, 255) AS byte`;
const TWO_BYTES = `SELECT set_byte(set_byte('\\x0000', 0, first), 1, second) AS bytes
  FROM generate_series(128, 255) AS first, generate_series(1, 255) AS second`;

test.each([
  ...['LATIN1', 'LATIN2', 'LATIN3', 'LATIN4', 'LATIN6', 'LATIN7', 'LATIN8', 'LATIN9', 'LATIN10'],
  ...['LATIN5', 'ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7', 'ISO_8859_8', 'KOI8R', 'KOI8U', 'WIN866', 'WIN874'],
  ...['WIN1250', 'WIN1251', 'WIN1252', 'WIN1253', 'WIN1254', 'WIN1255', 'WIN1256', 'WIN1257', 'WIN1258'],
])('every byte of %s is read as PostgreSQL reads it', async (encoding) => {
  const read = await charactersOf(encoding, ONE_BYTE);
  expect(read.length).toBeGreaterThan(180);
  const decode = textDecoder(encoding);
  expect(read.map(({ bytes }) => decode(bytes))).toEqual(read.map(({ character }) => character));
  expect(isReadExactly(encoding)).toBe(true);
});

test('every two bytes of GBK are read as PostgreSQL reads them', async () => {
  const read = await charactersOf('GBK', TWO_BYTES);
  expect(read.length).toBeGreaterThan(21_000);
  const decode = textDecoder('GBK');
  expect(read.filter(({ bytes, character }) => decode(bytes) !== character)).toEqual([]);
  expect(isReadExactly('GBK')).toBe(true);
});

test.each([
  ...['BIG5', 'EUC_CN', 'EUC_JIS_2004', 'EUC_JP', 'EUC_KR', 'EUC_TW', 'GB18030', 'JOHAB'],
  ...['MULE_INTERNAL', 'SHIFT_JIS_2004', 'SJIS', 'UHC'],
])('%s is not said to be read exactly', (encoding) => {
  expect(isReadExactly(encoding)).toBe(false);
});
