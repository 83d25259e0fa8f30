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

const inQuery = (column: string) => `CREATE VIEW v AS\n SELECT a\n  WHERE (EXISTS ( SELECT ${column}));`;

test.each([
  [`'x'::text`, `'x'::text AS text`],
  [`'-1'::integer`, `'-1'::integer AS int4`],
  [`NULL::character varying(5)`, `NULL::character varying(5) AS "varchar"`],
  [`'1'::character(3)`, `'1'::character(3) AS bpchar`],
  [`'a'::"char"`, `'a'::"char" AS "char"`],
  [`'101'::"bit"`, `'101'::"bit" AS "bit"`],
  [`'1'::bit varying(3)`, `'1'::bit varying(3) AS varbit`],
  [`'1.5'::numeric(5,2)`, `'1.5'::numeric(5,2) AS "numeric"`],
  [`'1'::double precision`, `'1'::double precision AS float8`],
  [`'{1,2}'::bigint[]`, `'{1,2}'::bigint[] AS int8`],
  [`'a'::timestamp(3) without time zone[]`, `'a'::timestamp(3) without time zone[] AS "timestamp"`],
  [`'10:00'::time with time zone`, `'10:00'::time with time zone AS timetz`],
  [`'1'::interval second(2)`, `'1'::interval second(2) AS "interval"`],
  [`'1'::interval year to month`, `'1'::interval year to month AS "interval"`],
  [`'x'::"My".status`, `'x'::"My".status AS status`],
  [`'x'::public."a ""AS"""`, `'x'::public."a ""AS""" AS "a ""AS"""`],
  [`'x'::public."größe"`, `'x'::public."größe" AS "größe"`],
  [`('x'::text COLLATE "C")`, `('x'::text COLLATE "C") AS text`],
  [
    `'x'::text,\n    'y'::text\nUNION\n SELECT 1`,
    `'x'::text AS text,\n    'y'::text AS text\nUNION\n SELECT 1`,
  ],
])('a column without a name is spelled as one with that of its type: %s', (before, after) => {
  const spelled = spell(inQuery(before));
  expect(spelled).toBeDefined();
  expect(spell(inQuery(after))).toBe(spelled);
});

test.each([
  ['a rule', `DO INSTEAD  UPDATE t SET (a, b) = ( SELECT 'x'::text`, `,\n            3);`],
  ['a policy', `CREATE POLICY p ON t USING ((EXISTS ( SELECT 'x'::text`, ')));'],
  ['a function', `BEGIN ATOMIC\n SELECT 'x'::text`, ';\nEND;'],
  ['a later part of a view', `CREATE VIEW v AS\n SELECT a\nUNION\n SELECT 'x'::text`, ';'],
  ['a call in a view', `CREATE VIEW v AS\n SELECT COALESCE(( SELECT 'q'::text`, `), 'z'::text) AS c;`],
])('so it is in %s', (_, beginning, end) => {
  const spelled = spell(`${beginning}${end}`);
  expect(spelled).toBeDefined();
  expect(spell(`${beginning} AS text${end}`)).toBe(spelled);
});

test.each([
  [`'x'::text AS b`, `'x'::text`],
  [`'x'::text AS varchar`, `'x'::text`],
  [`'x'::text AS "Text"`, `'x'::text`],
  [`'x'::character varying AS "character varying"`, `'x'::character varying`],
  [`1 AS int4, a::text`, '1, a::text'],
  [`f('x'::text) AS text`, `f('x'::text)`],
  [`'x'::text AS text`, `'x'::name AS text`],
  [`'''x''::text AS text'::name`, `'''x''::text'::name`],
  [`"'x'::text AS text"`, `"'x'::text"`],
])('any other name stays: %s', (one, other) => {
  const spelled = spell(inQuery(one));
  expect(spelled).toBeDefined();
  expect(spell(inQuery(other))).not.toBe(spelled);
});

test.each(['CREATE VIEW', 'CREATE MATERIALIZED VIEW'])('%s keeps the names of its columns', (create) => {
  const view = (column: string) =>
    `${create} v AS\n SELECT (a)::text AS a,\n    ${column}\nUNION\n SELECT 1;`;
  expect(spell(view(`'x'::text AS text`))).not.toBe(spell(view(`'x'::text`)));
});

const IN_PARENTHESES: readonly (readonly [about: string, before: string, between: string, after: string])[] =
  [
    ['its first part', 'AS\n( SELECT ', '\n LIMIT 1)\nUNION\n SELECT ', ';'],
    [
      'the first part of a part',
      'AS\n(\n        ( SELECT ',
      ')\n        UNION\n         SELECT ',
      '\n) INTERSECT\n SELECT 1;',
    ],
    [
      'a part of parts',
      'AS\n(\n         SELECT 1 AS a,\n            ',
      '\n        UNION\n         SELECT 2\n) EXCEPT\n SELECT 3,\n    ',
      ';',
    ],
    ['options of the view', "WITH (security_barrier='true') AS\n( SELECT ", ')\nUNION\n SELECT ', ';'],
    [
      'a call before it',
      `AS\n( SELECT COALESCE(( SELECT 1\n        UNION\n         SELECT 2), 3) AS c,\n    `,
      ')\nUNION\n SELECT 4,\n    ',
      ';',
    ],
    [
      'a collation before it',
      `AS\n( SELECT ('a'::text COLLATE "C") AS c,\n    `,
      ')\nUNION\n SELECT 4,\n    ',
      ';',
    ],
    [
      'a query in WITH before it',
      'AS\n WITH w(a) AS (\n        ( SELECT 1)\n        UNION\n         SELECT 2\n        ), x AS NOT MATERIALIZED (\n         VALUES (1)\n        )\n( SELECT ',
      ')\nUNION\n SELECT ',
      ';',
    ],
    [
      'a query in WITH in them',
      'AS\n( WITH w AS MATERIALIZED (\n         SELECT 1\n        )\n SELECT ',
      ')\nUNION\n SELECT ',
      ';',
    ],
  ];

test.each(IN_PARENTHESES)('so does one with parentheses around %s', (_, before, between, after) => {
  const view = (seen: string, other: string) =>
    spell(`CREATE VIEW v ${before}${seen}${between}${other}${after}`);
  const spelled = view(`'x'::text`, `'x'::text`);
  expect(spelled).toBeDefined();
  expect(view(`'x'::text AS text`, `'x'::text`)).not.toBe(spelled);
  expect(view(`'x'::text`, `'x'::text AS text`)).toBe(spelled);
});

test.each([
  ['a query in WITH', 'AS\n WITH w AS (\n         SELECT ', '\n        )\n SELECT w.text\n   FROM w;'],
  ['rows', 'AS\n( VALUES (1)\n LIMIT 1)\nUNION\n( SELECT ', '\n LIMIT 1);'],
  ['rows without a space', 'AS\n(VALUES (1)\n LIMIT 1)\nUNION\n( SELECT ', '\n LIMIT 1);'],
])('%s before the columns of a view, or as these, are not they', (_, before, after) => {
  const view = (column: string) => spell(`CREATE VIEW v ${before}${column}${after}`);
  const spelled = view(`'x'::text`);
  expect(spelled).toBeDefined();
  expect(view(`'x'::text AS text`)).toBe(spelled);
});

test('an outer join without a condition is spelled as one on a condition that is always true', () => {
  const view = (condition: string) =>
    `CREATE VIEW v AS\n SELECT a\n   FROM (t\n     LEFT JOIN u${condition});`;
  const spelled = spell(view(' ON (true)'));
  expect(spelled).toBeDefined();
  expect(spell(view(' ON TRUE'))).toBe(spelled);
  expect(spell(view(' ON (false)'))).not.toBe(spelled);
  expect(spell(view(` " ON TRUE" ON TRUE`))).toBe(view(` " ON TRUE" ON (true)`));
});

test('rows in a set operation are spelled as a query', () => {
  const view = (rows: string) =>
    `CREATE VIEW v AS\n SELECT 1 AS a\nUNION ALL\n SELECT r.column1\n   FROM ${rows} r;`;
  const spelled = spell(view('(VALUES (2), (3))'));
  expect(spell(view('( VALUES (2), (3))'))).toBe(spelled);
  expect(spell(view('( VALUES (2), (4))'))).not.toBe(spelled);
  const comment = (text: string) => spell(`COMMENT ON VIEW v IS '${text}';`);
  expect(comment('(VALUES (1))')).not.toBe(comment('( VALUES (1))'));
});

test('a statement without casts and arrays, or one that is not held whole, is not looked at', () => {
  expect(spell(`SELECT 'a'`)).toBeUndefined();
  expect(spell(`SELECT ARRAY['${'a'.repeat(1024 ** 2)}']`)).toBeUndefined();
});
