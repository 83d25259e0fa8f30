import { expect, test } from 'vitest';
import { normalSpelling } from '../../src/verify/normal-spelling.ts';

const spell = (sql: string) => normalSpelling(Buffer.from(sql, 'latin1'));

test.each([
  [
    `CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))`,
    `CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))`,
  ],
  [
    `((ARRAY['it''s, ('::character varying, E'\\\\x'::character varying])::text[])`,
    `(ARRAY[('it''s, ('::character varying)::text, (E'\\\\x'::character varying)::text])`,
  ],
])('what is printed first is spelled as what is printed after a reload: %s', (first, later) => {
  expect(spell(first)).toBe(later);
  expect(spell(later)).toBe(later);
});

test.each([
  `SELECT (ARRAY['a'::character varying, s])::text[]`,
  `SELECT (ARRAY['a'::character varying])::name[]`,
  `SELECT 'a'::character varying`,
])('anything else stays as it is: %s', (sql) => {
  expect(spell(sql)).toBe(sql);
});

test('a statement without such constants is not looked at', () => {
  expect(spell(`SELECT (ARRAY['a'])::text[]`)).toBeUndefined();
});
