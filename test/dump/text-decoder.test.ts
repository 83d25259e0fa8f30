import { expect, inject, test } from 'vitest';
import { textDecoder } from '../../src/dump/text-decoder.ts';
import { withClient } from '../support/database.ts';

test.each([
  ...['LATIN1', 'LATIN2', 'LATIN3', 'LATIN4', 'LATIN6', 'LATIN7', 'LATIN8', 'LATIN9', 'LATIN10'],
  ...['LATIN5', 'ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7', 'ISO_8859_8', 'KOI8R', 'KOI8U', 'WIN866', 'WIN874'],
  ...['WIN1250', 'WIN1251', 'WIN1252', 'WIN1253', 'WIN1254', 'WIN1255', 'WIN1256', 'WIN1257', 'WIN1258'],
])('every byte of %s is read as PostgreSQL reads it', async (encoding) => {
  const read = await withClient(inject('postgres'), 'postgres', async (client) => {
    // Bytes that are no character are refused.
    await client.query(`CREATE FUNCTION pg_temp.read(bytes bytea, encoding text) RETURNS text LANGUAGE plpgsql AS
      $$BEGIN RETURN convert_from(bytes, encoding); EXCEPTION WHEN data_exception THEN RETURN NULL; END$$`);
    const { rows } = await client.query<{ byte: number; character: string }>(
      `SELECT * FROM (SELECT byte, pg_temp.read(set_byte('\\x00', 0, byte), $1) AS character
       FROM generate_series(1, 255) AS byte) AS each WHERE character IS NOT NULL`,
      [encoding],
    );
    return rows;
  });
  expect(read.length).toBeGreaterThan(180);
  const decode = textDecoder(encoding);
  expect(read.map(({ byte }) => decode(Buffer.of(byte)))).toEqual(read.map(({ character }) => character));
});
