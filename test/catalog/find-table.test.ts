import { expect, test } from 'vitest';
import { findTable, parseTableName, showTableName } from '../../src/catalog/find-table.ts';

test.each([
  ['surface', { name: 'surface' }],
  ['Surface', { name: 'surface' }],
  ['"Surface"', { name: 'Surface' }],
  ['public.surface', { schema: 'public', name: 'surface' }],
  ['PUBLIC . "a.b"', { schema: 'public', name: 'a.b' }],
  ['"say ""hi"""."größe"', { schema: 'say "hi"', name: 'größe' }],
  ['a.b.c', undefined],
  ['a b', undefined],
  ['', undefined],
  ["'a'", undefined],
  ['a.', undefined],
  ['"open', undefined],
])('%s is the name %j', (text, expected) => {
  expect(parseTableName(text)).toEqual(expected);
});

test.each([
  ['public', 'surface', 'public.surface'],
  ['', 'surface', 'surface'],
  ['Public', 'a "b"', '"Public"."a ""b"""'],
])('%s and %s are shown as %s, which is read as the same', (schema, name, shown) => {
  expect(showTableName({ schema, name })).toBe(shown);
  expect(parseTableName(shown)).toEqual(schema === '' ? { name } : { schema, name });
});

const TABLES = [
  { schema: 'public', name: 'manager_surface', block: 1 },
  { schema: 'public', name: 'manager_topography' },
  { schema: 'public', name: 'manager_surface', block: 2 },
  { schema: 'public', name: 'Mixed' },
  { schema: 'public', name: 'a' },
  { schema: 'old', name: 'manager_topography' },
];

test('a name that differs only by case comes before those that contain it', () => {
  const tables = [' sp ace ', '../../etc/passwd', 'data', 'A'].map((name) => ({ schema: 'public', name }));
  expect(findTable(tables, { schema: 'public', name: 'a' })).toMatchObject({
    near: ['public."A"', 'public." sp ace "', 'public."../../etc/passwd"'],
  });
});

test.each([
  ['manager_surface', { kind: 'one', entries: [TABLES[0], TABLES[2]] }],
  ['old.manager_topography', { kind: 'one', entries: [TABLES[5]] }],
  ['manager_topography', { kind: 'several', names: ['public.manager_topography', 'old.manager_topography'] }],
  ['Mixed', { kind: 'none', near: ['public."Mixed"'] }],
  ['manager_surfaces', { kind: 'none', near: ['public.manager_surface'] }],
  ['topography', { kind: 'none', near: ['public.manager_topography', 'old.manager_topography'] }],
  ['old.manager_surface', { kind: 'none', near: ['public.manager_surface'] }],
  ['auth_user', { kind: 'none', near: [] }],
  // As different from each name as nothing is.
  ['"*"', { kind: 'none', near: [] }],
])('of these tables, %s is %j', (text, expected) => {
  expect(findTable(TABLES, parseTableName(text)!)).toEqual(expected);
});
