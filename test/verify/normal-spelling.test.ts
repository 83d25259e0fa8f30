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
  [
    "'a'::character varying, NULL::character varying",
    "('a'::character varying)::text, (NULL::character varying)::text",
  ],
  [
    "'a'::character varying, f('x, y'::text, (1))",
    "('a'::character varying)::text, (f('x, y'::text, (1)))::text",
  ],
  ['\'a\'::character varying, t."b,]"', '(\'a\'::character varying)::text, (t."b,]")::text'],
  ["'a'::character varying, (ARRAY[1, 2])[1]", "('a'::character varying)::text, ((ARRAY[1, 2])[1])::text"],
])('each element is cast: %s', (elements, each) => {
  expect(spell(`x = ANY ((ARRAY[${elements}])::text[])`)).toBe(`x = ANY (ARRAY[${each}])`);
});

test('of several arrays each is spelled so', () => {
  const first =
    "(ARRAY['a'::character varying])::text[] (ARRAY[1])::int[] (ARRAY['b'::character varying])::text[]";
  const later =
    "ARRAY[('a'::character varying)::text] (ARRAY[1])::int[] ARRAY[('b'::character varying)::text]";
  expect(spell(first)).toBe(later);
});

test.each([
  `SELECT (ARRAY['a'::character varying])::name[]`,
  `SELECT (ARRAY['a'::character varying`,
  `SELECT 'a'::character varying`,
])('anything else stays as it is: %s', (sql) => {
  expect(spell(sql)).toBe(sql);
});

test('a statement without such constants, or one that is not held whole, is not looked at', () => {
  expect(spell(`SELECT (ARRAY['a'])::text[]`)).toBeUndefined();
  expect(spell(`SELECT '${'a'.repeat(1024 ** 2)}'::character varying`)).toBeUndefined();
});
