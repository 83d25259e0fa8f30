import { expect, test } from 'vitest';
import { textDecoder } from '../../../src/dump/text-decoder.ts';
import type { DumpEntry } from '../../../src/dump/tokens.ts';
import { isCommentOn, partitionedTable, usesOf } from '../../../src/restore/wide/post-data-unit.ts';

const decode = textDecoder('UTF8');
const partitioned = new Set(['public.parts']);

const BESIDE: readonly [sql: string, uses: Record<string, 'reads' | 'alters'>][] = [
  ['CREATE INDEX i ON public.t USING btree (a);', { 'public.t': 'reads' }],
  ['CREATE UNIQUE INDEX i ON public.t USING btree (a) WHERE (b IS NULL);', { 'public.t': 'reads' }],
  ['CREATE INDEX i ON ONLY public.parts USING btree (a);', { 'public.parts': 'reads' }],
  ['CREATE INDEX "i;"" ON x" ON "S p"."T.""x""" USING gin (a);', { 'S p.T."x"': 'reads' }],
  ['CREATE INDEX i ON t USING btree (a);', { t: 'reads' }],
  ['ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);', { 'public.t': 'alters' }],
  ['ALTER TABLE ONLY public.t\n    ADD CONSTRAINT "u n" UNIQUE (a, b);', { 'public.t': 'alters' }],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT e EXCLUDE USING gist (a WITH &&);',
    { 'public.t': 'alters' },
  ],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT fk FOREIGN KEY (a, "b)") REFERENCES s.u(x, y) ON DELETE CASCADE;',
    { 'public.t': 'alters', 's.u': 'alters' },
  ],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES public.t(id) DEFERRABLE;',
    { 'public.t': 'alters' },
  ],
];

test.each(BESIDE)('%s runs beside others', (sql, uses) => {
  expect(usesOf(Buffer.from(sql), { decode, partitioned })).toEqual(new Map(Object.entries(uses)));
});

test.each([
  'CREATE INDEX ON public.t USING btree (a);',
  'CREATE INDEX CONCURRENTLY i ON public.t USING btree (a);',
  'ALTER TABLE public.t CLUSTER ON i;',
  'ALTER TABLE ONLY public.t REPLICA IDENTITY USING INDEX i;',
  'ALTER TABLE ONLY public.t ADD CONSTRAINT c CHECK (public.f(a));',
  'ALTER TABLE public.parts ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES public.t(id);',
  'ALTER TABLE ONLY public.t ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES public.parts(id);',
  'ALTER INDEX public.i ATTACH PARTITION public.j;',
  'CREATE TRIGGER x AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();',
  'CREATE VIEW public.v AS SELECT 1;',
  'REFRESH MATERIALIZED VIEW public.m;',
  'COMMENT ON INDEX public.i IS $$x$$;',
  '',
])('%s runs alone', (sql) => {
  expect(usesOf(Buffer.from(sql), { decode, partitioned })).toBeUndefined();
});

test.each([
  ['CREATE TABLE public.parts (\n    a integer\n)\nPARTITION BY RANGE (a);', 'public.parts'],
  ['CREATE TABLE "a b"."c.d" (\n    a integer\n)\nPARTITION BY LIST (a);', 'a b.c.d'],
  ['CREATE TABLE public.t (\n    a integer\n);', undefined],
  ['CREATE VIEW public.v AS SELECT rank() OVER (PARTITION BY 1);', undefined],
])('%s tells which table has partitions', (sql, table) => {
  expect(partitionedTable(Buffer.from(sql), decode)).toBe(table);
});

const entry = (type: string, name: string, schema = 'public'): DumpEntry => ({
  type,
  name,
  schema,
  owner: '-',
});

test.each([
  [entry('COMMENT', 'INDEX i'), entry('INDEX', 'i'), true],
  [entry('COMMENT', 'INDEX "I x"'), entry('INDEX', 'I x'), true],
  [entry('COMMENT', 'CONSTRAINT c ON t'), entry('CONSTRAINT', 't c'), true],
  [entry('COMMENT', 'CONSTRAINT fk ON "T x"'), entry('FK CONSTRAINT', 'T x fk'), true],
  [entry('COMMENT', 'INDEX j'), entry('INDEX', 'i'), false],
  [entry('COMMENT', 'INDEX i', 'other'), entry('INDEX', 'i'), false],
  [entry('COMMENT', 'CONSTRAINT c ON u'), entry('CONSTRAINT', 't c'), false],
  [entry('COMMENT', 'TABLE t'), entry('CONSTRAINT', 't c'), false],
  [entry('INDEX', 'INDEX i'), entry('INDEX', 'i'), false],
  [undefined, entry('INDEX', 'i'), false],
  [entry('COMMENT', 'INDEX i'), undefined, false],
])('%o after %o belongs to it: %s', (comment, on, belongs) => {
  expect(isCommentOn(comment, on)).toBe(belongs);
});
