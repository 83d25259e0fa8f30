import { expect, test } from 'vitest';
import { isOwnership, rolesOf } from '../../src/dump/ownership.ts';
import { textDecoder } from '../../src/dump/text-decoder.ts';

const OWNERSHIP: readonly [sql: string, roles: readonly string[]][] = [
  ['ALTER TABLE public.t OWNER TO topobank;', ['topobank']],
  ['ALTER TABLE public.t OWNER TO "Me; you";', ['Me; you']],
  ['ALTER FUNCTION public.f(a integer, b "OWNER TO x") OWNER TO Topobank;', ['topobank']],
  ['ALTER LARGE OBJECT 16395 OWNER TO topobank;', ['topobank']],
  ['GRANT SELECT ON TABLE public.t TO PUBLIC;', []],
  ['GRANT SELECT ON TABLE public.t TO "public";', []],
  ['GRANT SELECT ON TABLE public.t TO "current_user";', ['current_user']],
  ['GRANT SELECT(a),UPDATE(b) ON TABLE public."x TO y" TO reader WITH GRANT OPTION;', ['reader']],
  ['GRANT ALL ON FUNCTION public.f(timestamp with time zone) TO a, "b,c" GRANTED BY d;', ['a', 'b,c', 'd']],
  ['GRANT SELECT ON t TO GROUP staff;', ['staff']],
  ['REVOKE ALL ON SCHEMA public FROM postgres;', ['postgres']],
  ['REVOKE GRANT OPTION FOR SELECT ON TABLE public.t FROM "From";', ['From']],
  ['ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA public REVOKE ALL ON TABLES FROM b;', ['a', 'b']],
  ['ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b WITH GRANT OPTION;', ['a', 'b']],
  ["SET SESSION AUTHORIZATION 'it''s';", ["it's"]],
  ['SET SESSION AUTHORIZATION DEFAULT;', []],
];

test.each(OWNERSHIP)('--no-owner leaves out %s', (sql, roles) => {
  expect(isOwnership(Buffer.from(sql))).toBe(true);
  expect(rolesOf(Buffer.from(sql))).toEqual(roles);
});

const KEPT: readonly [sql: string, roles: readonly string[]][] = [
  ['CREATE POLICY p ON public.t TO a, "B" USING ((owner = CURRENT_USER));', ['a', 'B']],
  ['CREATE POLICY "p TO q USING r" ON public."t TO u" FOR SELECT USING (true);', []],
  ["CREATE POLICY p ON public.t USING ((x = ' TO y USING '::text));", []],
  ['CREATE POLICY p ON public.t TO PUBLIC, CURRENT_USER WITH CHECK (true);', []],
  ['CREATE USER MAPPING FOR a SERVER "s FOR b" OPTIONS (\n    "user" \'FOR c\'\n);', ['a']],
  ['CREATE USER MAPPING FOR PUBLIC SERVER s;', []],
  ['CREATE USER MAPPING FOR "public" SERVER "s";', []],
  ['CREATE TABLE public.t (owner text);', []],
  ["COMMENT ON TABLE public.t IS 'ALTER TABLE t OWNER TO x;';", []],
  ["ALTER TABLE public.t ADD CONSTRAINT c CHECK ((a <> ' OWNER TO x'::text));", []],
  ['ALTER TABLE ONLY public.t ALTER COLUMN a SET DEFAULT 1;', []],
  ["SET default_tablespace = 'GRANT';", []],
  ['ALTER SEQUENCE public.s OWNED BY public.t.id;', []],
  ['CREATE FUNCTION public.grant() RETURNS void LANGUAGE sql AS $$GRANT a TO b;$$;', []],
];

test.each(KEPT)('--no-owner keeps %s', (sql, roles) => {
  expect(isOwnership(Buffer.from(sql))).toBe(false);
  expect(rolesOf(Buffer.from(sql))).toEqual(roles);
});

test('roles are read in the dump’s own encoding', () => {
  const sql = Buffer.from('ALTER TABLE public.t OWNER TO "Jürgen";', 'latin1');
  expect(rolesOf(sql, textDecoder('LATIN1'))).toEqual(['Jürgen']);
  const turkish = Buffer.from('ALTER TABLE public.t OWNER TO "\xfeahin";', 'latin1');
  expect(rolesOf(turkish, textDecoder('LATIN5'))).toEqual(['şahin']);
});

test.each<[string, (bytes: number) => string, boolean]>([
  ['blank space', (bytes) => `ALTER ${' '.repeat(bytes)};`, false],
  ['quotes', (bytes) => `ALTER ${'"'.repeat(bytes)};`, false],
  ['words', (bytes) => `GRANT ${' TO x'.repeat(bytes / 5)} ;`, true],
])('a statement of many bytes without an end is judged: %s', (_about, make, is) => {
  expect(isOwnership(Buffer.from(make(64_000)))).toBe(is);
});

test('a statement beyond all bounds is not searched', () => {
  expect(isOwnership(Buffer.from(`ALTER TABLE t ${'x'.repeat(60_000)} OWNER TO a;`))).toBe(true);
  expect(isOwnership(Buffer.from(`ALTER TABLE t ${'x'.repeat(5_000_000)} OWNER TO a;`))).toBe(false);
});
