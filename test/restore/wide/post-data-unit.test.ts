import { expect, test } from 'vitest';
import { textDecoder } from '../../../src/dump/text-decoder.ts';
import type { DumpEntry } from '../../../src/dump/tokens.ts';
import {
  isCommentOn,
  partitionedTable,
  type TableUse,
  usesOf,
} from '../../../src/restore/wide/post-data-unit.ts';

const decode = textDecoder('UTF8');
const partitioned = new Set(['public.parted']);

/** Statements as pg_dump writes them after the rows, and what they lock; undefined for one that runs alone. */
const STATEMENTS: readonly [sql: string, uses: Readonly<Record<string, TableUse>> | undefined][] = [
  ['CREATE INDEX i ON public.t USING btree (a);', { 'public.t': 'reads' }],
  ['CREATE UNIQUE INDEX i ON ONLY public.parted USING btree (a);', { 'public.parted': 'reads' }],
  ['CREATE INDEX i ON public.t USING btree (a) INCLUDE (b, c) WHERE (d > 0);', { 'public.t': 'reads' }],
  [
    `CREATE INDEX i ON public.t USING btree (f(a, ', ")(;'::text), ((b || ')'))) WHERE (c <> ' ON x (');`,
    { 'public.t': 'reads' },
  ],
  [
    'CREATE INDEX "on t, ""(" ON "a.b"."c ""d"" (e), ON f" USING gin (a);',
    { 'a.b.c "d" (e), ON f': 'reads' },
  ],
  ['CREATE INDEX "Größe" ON public."表" USING btree (a);', { 'public.表': 'reads' }],
  ['CREATE INDEX i ON old USING btree (a);', { old: 'reads' }],
  ['ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);', { 'public.t': 'alters' }],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT u UNIQUE (a, b) INCLUDE (c) DEFERRABLE;',
    { 'public.t': 'alters' },
  ],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT "no, )" EXCLUDE USING gist (a WITH =, b WITH &&) WHERE ((c <> \')\'));',
    { 'public.t': 'alters' },
  ],
  ['ALTER TABLE ONLY "S"."T"\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);', { 'S.T': 'alters' }],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (a, "b)") REFERENCES public.o(a, b) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;',
    { 'public.t': 'alters', 'public.o': 'alters' },
  ],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (parent) REFERENCES public.t(id) NOT VALID;',
    { 'public.t': 'alters' },
  ],
  ['ALTER TABLE ONLY public.parted\n    ADD CONSTRAINT p PRIMARY KEY (id);', { 'public.parted': 'alters' }],
  [
    'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.parted(id);',
    undefined,
  ],
  ['ALTER TABLE public.parted\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.t(id);', undefined],
  ['ALTER TABLE public.t\n    ADD CONSTRAINT c CHECK ((a > 0)) NOT VALID;', undefined],
  ['ALTER TABLE ONLY public.t ALTER COLUMN a SET DEFAULT 1;', undefined],
  ['ALTER TABLE ONLY public.t REPLICA IDENTITY USING INDEX i;', undefined],
  ['ALTER TABLE public.t CLUSTER ON i;', undefined],
  ['ALTER INDEX public.i ATTACH PARTITION public.i_2026;', undefined],
  ['ALTER INDEX public.i ALTER COLUMN 1 SET STATISTICS 300;', undefined],
  ['CREATE INDEX ON public.t USING btree (a);', undefined],
  ['CREATE INDEX CONCURRENTLY i ON public.t USING btree (a);', undefined],
  ['', undefined],
  ['CREATE TRIGGER i BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();', undefined],
  ['CREATE RULE r AS ON INSERT TO public.t DO INSTEAD NOTHING;', undefined],
  ['CREATE STATISTICS public.s ON a, b FROM public.t;', undefined],
  ['REFRESH MATERIALIZED VIEW public.m;', undefined],
  [`COMMENT ON INDEX public.i IS 'CREATE INDEX i ON public.t';`, undefined],
];

test.each(STATEMENTS)('%s', (sql, uses) => {
  const found = usesOf(Buffer.from(sql), { decode, partitioned });
  expect(found && Object.fromEntries(found)).toEqual(uses);
});

test.each([
  ['CREATE TABLE public.t (\n    a integer\n)\nPARTITION BY RANGE (a);', 'public.t'],
  ['CREATE TABLE "S"."a.b" (\n    a integer\n)\nPARTITION BY HASH (a);', 'S.a.b'],
  ['CREATE UNLOGGED TABLE public.t (\n    a integer\n)\nPARTITION BY LIST (a);', 'public.t'],
  ['CREATE TABLE public.t (\n    a integer\n);', undefined],
  [`CREATE VIEW public.v AS\n SELECT row_number() OVER (PARTITION BY t.a) FROM public.t;`, undefined],
])('%s makes a table with partitions, or not', (sql, name) => {
  expect(partitionedTable(Buffer.from(sql), decode)).toBe(name);
});

const entry = (type: string, name: string, schema = 'public'): DumpEntry => ({
  type,
  name,
  schema,
  owner: '',
});

const COMMENTS: readonly [comment: DumpEntry | undefined, on: DumpEntry | undefined, yes: boolean][] = [
  [undefined, entry('INDEX', 'i'), false],
  [entry('COMMENT', 'INDEX i'), undefined, false],
  [entry('COMMENT', 'INDEX i'), entry('INDEX', 'i'), true],
  [entry('COMMENT', 'INDEX "a ""b"""'), entry('INDEX', 'a "b"'), true],
  [entry('COMMENT', 'INDEX i', 'other'), entry('INDEX', 'i'), false],
  [entry('COMMENT', 'INDEX j'), entry('INDEX', 'i'), false],
  [entry('COMMENT', 'TABLE i'), entry('INDEX', 'i'), false],
  [entry('ACL', 'INDEX i'), entry('INDEX', 'i'), false],
  [entry('COMMENT', 'CONSTRAINT c ON t'), entry('CONSTRAINT', 't c'), true],
  [entry('COMMENT', 'CONSTRAINT "c d" ON "t u"'), entry('FK CONSTRAINT', 't u c d'), true],
  [entry('COMMENT', 'CONSTRAINT "a ON b" ON t'), entry('CONSTRAINT', 't a ON b'), true],
  [entry('COMMENT', 'CONSTRAINT c ON t'), entry('CONSTRAINT', 't d'), false],
];

test.each(COMMENTS)('%j is the comment on %j: %s', (comment, on, yes) => {
  expect(isCommentOn(comment, on)).toBe(yes);
});
