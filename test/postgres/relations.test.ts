import { expect, test } from 'vitest';
import { quoteTable } from '../../src/postgres/relations.ts';

test.each([
  ['public', 't', '"public"."t"'],
  ['a "b"', 'c.d', '"a ""b"""."c.d"'],
  ['', 'Größe', '"Größe"'],
])('table %j %j stands in SQL as %s', (schema, name, sql) => {
  expect(quoteTable({ schema, name })).toBe(sql);
});
