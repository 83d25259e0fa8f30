import { expect, test } from 'vitest';
import { sessionSetting } from '../../src/restore/session-settings.ts';

test.each([
  ["SET client_encoding = 'UTF8';", 'client_encoding'],
  ["SET default_tablespace = '';", 'default_tablespace'],
  ['SET default_table_access_method = heap;', 'default_table_access_method'],
  ['SET SESSION Row_Security TO off;', 'row_security'],
  ["SELECT pg_catalog.set_config('search_path', '', false);", 'search_path'],
  ["SET SESSION AUTHORIZATION 'owner';", 'session authorization'],
  ['SET SESSION AUTHORIZATION DEFAULT;', 'session authorization'],
  ["SELECT pg_catalog.set_config('search_path', '', true);", undefined],
  ['SET LOCAL search_path = x;', undefined],
  ["SELECT pg_catalog.setval('public.s', 7, true);", undefined],
  ['SETTLE x = 1;', undefined],
  ['INSERT INTO public.t VALUES (1);', undefined],
  [`SET search_path = ${'x, '.repeat(100)}y;`, undefined],
])('%s sets %s for what follows', (sql, name) => {
  expect(sessionSetting(Buffer.from(sql))).toBe(name);
});
