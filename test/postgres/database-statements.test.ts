import { expect, test } from 'vitest';
import { creationStatement, traitStatements } from '../../src/postgres/database-statements.ts';
import { PLAIN_CREATION as PLAIN } from '../../src/postgres/facts.ts';

const NONE = { settings: [], connectionLimit: -1, template: false, comment: null };

const settings = (...names: readonly string[]) => ({
  ...NONE,
  settings: names.map((name) => ({ role: null, name, value: '1' })),
});

const CREATE_PLAIN = `CREATE DATABASE "d" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`;

test.each([
  [PLAIN, 15, `${CREATE_PLAIN} LOCALE_PROVIDER libc`],
  [PLAIN, 14, CREATE_PLAIN],
  [
    { ...PLAIN, encoding: 'LATIN1', collate: null, ctype: null },
    15,
    `CREATE DATABASE "d" TEMPLATE template0 ENCODING 'LATIN1'`,
  ],
  [{ ...PLAIN, provider: 'libc' as const }, 15, `${CREATE_PLAIN} LOCALE_PROVIDER libc`],
  [{ ...PLAIN, provider: 'libc' as const }, 14, CREATE_PLAIN],
  [
    { ...PLAIN, provider: 'builtin' as const, providerLocale: 'C.UTF-8' },
    17,
    `${CREATE_PLAIN} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`,
  ],
  [
    { ...PLAIN, provider: 'icu' as const, providerLocale: 'de', icuRules: "&A < 'b'" },
    16,
    `${CREATE_PLAIN} LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&A < ''b'''`,
  ],
  [{ ...PLAIN, tablespace: 'fast disk' }, 14, `${CREATE_PLAIN} TABLESPACE "fast disk"`],
])('%j is created as that by PostgreSQL %i', (options, major, statement) => {
  expect(creationStatement('d', options, major)).toBe(statement);
});

test('what rows may depend on is set before they come', () => {
  expect(traitStatements('d', settings('lc_monetary', 'topobank.unit', 'TimeZone'))).toEqual({
    before: [
      `ALTER DATABASE "d" SET "lc_monetary" TO '1'`,
      `ALTER DATABASE "d" SET "topobank"."unit" TO '1'`,
      `ALTER DATABASE "d" SET "TimeZone" TO '1'`,
    ],
    after: [],
  });
});

test.each([
  'default_transaction_read_only',
  'event_triggers',
  'idle_session_timeout',
  'role',
  'Session_Replication_Role',
  'transaction_timeout',
])('what would keep them out is set when they are in: %s', (name) => {
  expect(traitStatements('d', settings(name))).toEqual({
    before: [],
    after: [`ALTER DATABASE "d" SET "${name}" TO '1'`],
  });
});

test('so are the limit of connections, of which a restore takes several, that it is a template, and the comment', () => {
  expect(traitStatements('a "b"', { ...NONE, connectionLimit: 0, template: true, comment: "it's" })).toEqual({
    before: [],
    after: [
      'ALTER DATABASE "a ""b""" CONNECTION LIMIT 0',
      'ALTER DATABASE "a ""b""" IS_TEMPLATE true',
      `COMMENT ON DATABASE "a ""b""" IS 'it''s'`,
    ],
  });
});

test('one of a single role is set for it in this database, and lists name by name', () => {
  const role = { role: 'R', name: 'search_path', value: '"$user", public, "a ""b"", c"' };
  expect(traitStatements('d', { ...NONE, settings: [role] }).before).toEqual([
    `ALTER ROLE "R" IN DATABASE "d" SET "search_path" TO '$user', 'public', 'a "b", c'`,
  ]);
});
