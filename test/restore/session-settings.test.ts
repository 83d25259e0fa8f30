import { expect, test } from 'vitest';
import { sessionSetting } from '../../src/restore/load/session-settings.ts';

const SETTINGS: readonly [sql: string, setting: string | undefined][] = [
  ['SET statement_timeout = 0;', 'statement_timeout'],
  ["SET client_encoding = 'UTF8';", 'client_encoding'],
  ['SET standard_conforming_strings = on;', 'standard_conforming_strings'],
  ["SET default_tablespace = '';", 'default_tablespace'],
  ['SET Default_Table_Access_Method = heap;', 'default_table_access_method'],
  ['set search_path to public, pg_catalog;', 'search_path'],
  ['SET search_path = public, pg_catalog;', 'search_path'],
  ['SET SESSION Row_Security TO off;', 'row_security'],
  ['SET plpgsql.variable_conflict = error;', 'plpgsql.variable_conflict'],
  ["SELECT pg_catalog.set_config('search_path', '', false);", 'search_path'],
  ["SET SESSION AUTHORIZATION 'topobank';", 'session authorization'],
  ['SET SESSION AUTHORIZATION DEFAULT;', 'session authorization'],
  ["SELECT pg_catalog.set_config('search_path', '', true);", undefined],
  ["SELECT pg_catalog.setval('public.running', 94, true);", undefined],
  ['SETTLE x = 1;', undefined],
  ['INSERT INTO public.t VALUES (1);', undefined],
  ['SET LOCAL row_security = off;', undefined],
  ['SET CONSTRAINTS ALL DEFERRED;', undefined],
  ['ALTER TABLE public.t SET (fillfactor = 70);', undefined],
  ['CREATE TABLE public."SET a = 1" ();', undefined],
  [`SET search_path = ${'a, '.repeat(100)}b;`, undefined],
];

test.each(SETTINGS)('%s', (sql, setting) => {
  expect(sessionSetting(Buffer.from(sql))).toBe(setting);
});
