import { expect, test } from 'vitest';
import { type Concern, concernOf } from '../../../src/restore/narrow/concern.ts';

const table = (name: string, makes?: string): Concern => ({
  about: 'table',
  table: name,
  ...(makes === undefined ? {} : { makes }),
});

const STATEMENTS: readonly (readonly [sql: string, concern: Concern])[] = [
  ['CREATE INDEX i ON public.t USING btree (a) WHERE (b > 1);', table('public.t', 'public.i')],
  ['CREATE UNIQUE INDEX "I ON x" ON ONLY "S"."a ""b""" USING btree (a);', table('S.a "b"', 'S.I ON x')],
  ['CREATE INDEX i ON t USING btree (a);', table('t', 'i')],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);',
    { about: 'table', table: 'public.t', makes: 'public.t_pkey', key: true },
  ],
  ['ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;', table('public.t')],
  ['ALTER TABLE IF EXISTS ONLY public.t FORCE ROW LEVEL SECURITY;', table('public.t')],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT "fk 1" FOREIGN KEY (a, "b c") REFERENCES other.u(a, b) NOT VALID;',
    { about: 'foreign-key', table: 'public.t', name: 'fk 1', references: 'other.u' },
  ],
  [
    'CREATE TRIGGER g BEFORE INSERT OR UPDATE OF "on", b ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();',
    table('public.t'),
  ],
  [
    'CREATE CONSTRAINT TRIGGER g AFTER DELETE ON public.t FROM public.u NOT DEFERRABLE FOR EACH ROW EXECUTE FUNCTION public.f();',
    table('public.t'),
  ],
  ['CREATE POLICY "for ON x" ON public.t FOR SELECT TO someone USING (true);', table('public.t')],
  [
    'CREATE RULE r AS\n    ON INSERT TO public.t DO ALSO  INSERT INTO public.u SELECT new.a FROM public.v;',
    table('public.t'),
  ],
  ['CREATE STATISTICS public.s (dependencies) ON a, EXTRACT(year FROM b) FROM public.t;', table('public.t')],
  [
    'ALTER INDEX public.whole_i ATTACH PARTITION public.part_i;',
    { about: 'attach', whole: 'public.whole_i', part: 'public.part_i' },
  ],
  ["COMMENT ON INDEX public.i IS 'of CREATE INDEX i ON public.t';", { about: 'before' }],
  ["SECURITY LABEL FOR dummy ON TABLE public.t IS 'x';", { about: 'before' }],
  ['GRANT SELECT ON TABLE public.u TO reader;', { about: 'rights' }],
  ['REVOKE ALL ON SCHEMA public FROM PUBLIC;', { about: 'rights' }],
  ['ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA public GRANT SELECT ON TABLES  TO b;', { about: 'rights' }],
  ['CREATE PUBLICATION p FOR TABLE ONLY public.t;', { about: 'other' }],
  ['ALTER PUBLICATION p ADD TABLE ONLY public.t;', { about: 'other' }],
  ['CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.f();', { about: 'other' }],
  ["CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false);", { about: 'other' }],
  ['REFRESH MATERIALIZED VIEW public.m;', { about: 'other' }],
  ['CREATE OR REPLACE VIEW public.v AS SELECT a FROM public.t GROUP BY id;', { about: 'definition' }],
  [
    'CREATE MATERIALIZED VIEW public.m AS SELECT a FROM public.t GROUP BY id WITH NO DATA;',
    { about: 'definition' },
  ],
  ['CREATE FUNCTION public.f() RETURNS int BEGIN ATOMIC SELECT 1; END;', { about: 'definition' }],
  ['CREATE AGGREGATE public.a(integer) (SFUNC = public.f, STYPE = integer);', { about: 'definition' }],
  ['ALTER OPERATOR FAMILY public.o USING btree ADD FUNCTION 1 public.f();', { about: 'definition' }],
  [
    'ALTER TABLE ONLY public.u\n    ADD CONSTRAINT u_email UNIQUE (email);',
    { about: 'table', table: 'public.u', makes: 'public.u_email', key: true },
  ],
  [
    'ALTER TABLE ONLY public.u\n    ADD CONSTRAINT u_no EXCLUDE USING btree (email WITH =);',
    { about: 'table', table: 'public.u', makes: 'public.u_no', key: true },
  ],
  [
    "ALTER TABLE public.u\n    ADD CONSTRAINT u_is CHECK ((email <> ''::text)) NOT VALID;",
    table('public.u', 'public.u_is'),
  ],
  ['CREATE PROCEDURE public.f() BEGIN ATOMIC SELECT 1; END;', { about: 'definition' }],
  [
    'CREATE RULE "_RETURN" AS ON SELECT TO public.v DO INSTEAD SELECT a FROM public.t GROUP BY id;',
    { about: 'definition' },
  ],
  ['CREATE INDEX', { about: 'other' }],
  ['ALTER TABLE', { about: 'other' }],
];

test.each(STATEMENTS)('%s', (sql, concern) => {
  expect(concernOf(sql)).toEqual(concern);
});
