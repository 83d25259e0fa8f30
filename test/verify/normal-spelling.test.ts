import { expect, test } from 'vitest';
import { normalSpelling } from '../../src/verify/normal-spelling.ts';

const spell = (sql: string) => normalSpelling(Buffer.from(sql, 'latin1'));

test.each([
  [
    'a varchar IN',
    `CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))`,
    `CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))`,
  ],
  [
    'the same, printed with few parentheses',
    `ON (s::text = ANY (ARRAY['a'::character varying, 'b'::character varying]::text[]))`,
    `ON (s::text = ANY (ARRAY['a'::character varying::text, 'b'::character varying::text]))`,
  ],
  [
    'quoted signs',
    `((ARRAY['it''s, (ARRAY['::character varying, E'\\\\x'::character varying])::text[])`,
    `(ARRAY[('it''s, (ARRAY['::character varying)::text, (E'\\\\x'::character varying)::text])`,
  ],
  [
    'numbers',
    '((ARRAY[5, -1, 2.5])::numeric(5,2)[])',
    '(ARRAY[(5)::numeric(5,2), (-1)::numeric(5,2), (2.5)::numeric(5,2)])',
  ],
  [
    'a type of several words',
    '((ARRAY[0.5, t."b,]"])::double precision[])',
    '(ARRAY[(0.5)::double precision, (t."b,]")::double precision])',
  ],
  [
    'a type of a schema, and calls',
    `((ARRAY[f('x, y'::text, (1)), a.b])::"My".status[])`,
    `(ARRAY[(f('x, y'::text, (1)))::"My".status, (a.b)::"My".status])`,
  ],
  [
    'a collation',
    `((ARRAY['a'::character varying COLLATE "C", 'b'::character varying])::text[])`,
    `(ARRAY[(('a'::character varying)::text COLLATE "C"), ('b'::character varying)::text])`,
  ],
  [
    'an expression on several lines',
    `(ARRAY[\n    CASE\n    WHEN (k = 'a'::text) THEN 'x'::character varying\nEND, 'z'::character varying])::text[]`,
    `ARRAY[(\n    CASE\n    WHEN (k = 'a'::text) THEN 'x'::character varying\nEND)::text, ('z'::character varying)::text]`,
  ],
  [
    'arrays in an array',
    `(ARRAY[ARRAY['a'::character varying], ARRAY[NULL::character varying]])::text[]`,
    `ARRAY[ARRAY[('a'::character varying)::text], ARRAY[(NULL::character varying)::text]]`,
  ],
  [
    'a query',
    `(ARRAY[( SELECT max(s) FROM t, u), 'b'::character varying])::text[]`,
    `ARRAY[(( SELECT max(s) FROM t, u))::text, ('b'::character varying)::text]`,
  ],
  [
    'a column of arrays beside an array',
    `(ARRAY[g, ARRAY['a'::character varying]])::text[]`,
    `ARRAY[(g)::text[], ARRAY[('a'::character varying)::text]]`,
  ],
  [
    'a cast array beside an array',
    `ARRAY[ARRAY['x'::text], (ARRAY[a])::text[]]`,
    `ARRAY[ARRAY['x'::text], ARRAY[(a)::text]]`,
  ],
  [
    'an array in an element',
    `(ARRAY[f((ARRAY[1, 2])::bigint[])])::text[]`,
    `ARRAY[(f(ARRAY[(1)::bigint, (2)::bigint]))::text]`,
  ],
  [
    'several arrays',
    `(ARRAY['a'::character varying])::text[] = (ARRAY[1])::integer[]`,
    `ARRAY[('a'::character varying)::text] = ARRAY[(1)::integer]`,
  ],
])('what is printed first is spelled as what is printed after a reload: %s', (_, first, later) => {
  const spelled = spell(first);
  expect(spelled).toBeDefined();
  expect(spell(later)).toBe(spelled);
});

test.each([
  [`(ARRAY['a'::text])::name[]`, `(ARRAY['a'::text])::text[]`],
  [`(ARRAY['a'::text])::name[]`, `(ARRAY['a'::text])`],
  [`ARRAY['a'::text, 'b'::text]`, `ARRAY['b'::text, 'a'::text]`],
  [`ARRAY['a'::text]`, `ARRAY['a '::text]`],
  [`ARRAY[(a || 'x'::text)]`, `ARRAY[(a || 'x')::text]`],
  [`ARRAY[((a OR b) AND c)]`, `ARRAY[(a OR (b AND c))]`],
  [`ARRAY[((a)::text COLLATE "C")::name]`, `ARRAY[((a)::text)::name COLLATE "C"]`],
  [`ARRAY[ROW(a, b)]`, `ARRAY[a, b]`],
  [`ARRAY[(a, b)]`, `ARRAY[a, b]`],
  [`ARRAY[( SELECT b FROM t ORDER BY c, d)]`, `ARRAY[( SELECT b FROM t ORDER BY c), d]`],
  [`ARRAY[ARRAY[1], ARRAY[2]]`, `ARRAY[ARRAY[1, 2]]`],
  [`(ARRAY[1, 2])[1]`, `(ARRAY[1, 2])[2]`],
  [`ARRAY[1] = (x)::text`, `ARRAY[1] = x`],
])('what means something else is spelled otherwise: %s and %s', (one, other) => {
  expect(spell(one)).not.toBe(spell(other));
});

test.each([
  'SELECT (ARRAY[])::text[]',
  'SELECT (ARRAY[1',
  'SELECT ARRAY[1)',
  "SELECT ARRAY['a",
  "COMMENT ON TABLE t IS '(ARRAY[1])::text[]'",
  'CREATE FUNCTION f() AS $x$ SELECT (ARRAY[1])::text[] $$ [ $x$',
  'ALTER TABLE t ADD CONSTRAINT "(ARRAY[" CHECK (a)',
  `SELECT ${'('.repeat(5000)}ARRAY[1]${')'.repeat(5000)}`,
  `COMMENT ON TABLE t IS '${'::text (ARRAY[('.repeat(60_000)}'`,
])('anything else stays as it is', (sql) => {
  expect(spell(sql)).toBe(sql);
});

test('a statement without arrays, or one that is not held whole, is not looked at', () => {
  expect(spell(`SELECT 'a'::text`)).toBeUndefined();
  expect(spell(`SELECT ARRAY['${'a'.repeat(1024 ** 2)}']`)).toBeUndefined();
});
