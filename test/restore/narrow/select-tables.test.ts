import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveTables } from '../../../src/catalog/choose-tables.ts';
import type { DumpTable, SectionName } from '../../../src/dump/dump-index.ts';
import type { DumpEntry } from '../../../src/dump/tokens.ts';
import type { Take } from '../../../src/restore/load/selection.ts';
import { selectTables } from '../../../src/restore/narrow/select-tables.ts';

const MIB = 1024 ** 2;

const block = (name: string, bytes = 0): DumpTable => ({
  schema: 'public',
  name,
  columns: [],
  rows: 0,
  offset: 0,
  bytes,
  sha256: '',
  checkpoints: [],
});

const select = (tables: readonly DumpTable[], ...wanted: string[]) =>
  selectTables(
    { tables, encoding: 'UTF8' },
    resolveTables(tables, [], wanted, (table) => `cannot restore table ${table} of ./dump.sql`),
  );

test('of the other tables no more than a mebibyte is read along, and the largest are left', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(MIB), { minLength: 1, maxLength: 20 }), (sizes) => {
      const tables = sizes.map((bytes, at) => block(`t${at}`, bytes));
      const { tables: taken, unread } = select(tables, 't0');
      expect(taken).toEqual([tables[0]]);
      expect(unread.has(tables[0]!)).toBe(false);
      const along = tables.slice(1).filter((table) => !unread.has(table));
      expect(along.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(MIB);
      const largest = Math.max(0, ...along.map(({ bytes }) => bytes));
      for (const { bytes } of unread) expect(bytes).toBeGreaterThanOrEqual(largest);
      // One more would have been too much.
      const smallest = Math.min(...[...unread].map(({ bytes }) => bytes));
      const all = along.reduce((sum, { bytes }) => sum + bytes, smallest);
      expect(unread.size === 0 || all > MIB).toBe(true);
    }),
  );
});

test('all blocks of the named tables are taken, each once, in the order of the dump', () => {
  const tables = [block('b'), block('a'), block('c'), block('b')];
  const { tables: taken, takesRows } = select(tables, 'public.b', 'a', 'b');
  expect(taken).toEqual([tables[0], tables[1], tables[3]]);
  expect(tables.map(takesRows)).toEqual([true, true, false, true]);
});

type Step = readonly [section: SectionName, entry: DumpEntry | undefined, sql: string, take: Take];

const entry = (type: string, name: string): DumpEntry => ({ type, name, schema: 'public', owner: '' });

const INDEX = entry('INDEX', 'i');
const OTHER_INDEX = entry('INDEX', 'o');
const PUBLICATION = entry('PUBLICATION', 'p');

/** A dump's statements in their order, of which `t` is wanted. */
const STEPS: readonly Step[] = [
  ['pre-data', undefined, 'SELECT 1;', 'run'],
  ['pre-data', entry('TABLE', 'other'), 'CREATE TABLE public.other ();', 'run'],
  ['pre-data', entry('BLOB', '4711'), "SELECT pg_catalog.lo_create('4711');", 'leave'],
  [
    'pre-data',
    entry('LARGE OBJECT 4711', 'LARGE OBJECT 4711'),
    'COMMENT ON LARGE OBJECT 4711 IS 1;',
    'leave',
  ],
  ['data', entry('TABLE DATA', 't'), 'ALTER TABLE public.t DISABLE TRIGGER ALL;', 'run'],
  ['data', entry('TABLE DATA', 'other'), 'ALTER TABLE public.other DISABLE TRIGGER ALL;', 'leave'],
  [
    'data',
    entry('SEQUENCE SET', 'other_id_seq'),
    "SELECT pg_catalog.setval('public.other_id_seq', 3);",
    'run',
  ],
  ['data', entry('BLOBS', 'BLOBS'), "SELECT pg_catalog.lo_open('4711', 131072);", 'leave'],
  ['data', entry('STATISTICS DATA', 't'), 'SELECT pg_catalog.pg_restore_relation_stats();', 'leave'],
  ['post-data', INDEX, 'CREATE INDEX i ON public.t USING btree (a);', 'run'],
  // The rest of an entry goes with its first statement, and a comment with the entry.
  ['post-data', INDEX, 'ALTER INDEX public.i ALTER COLUMN 1 SET STATISTICS 100;', 'run'],
  ['post-data', entry('COMMENT', 'INDEX i'), "COMMENT ON INDEX public.i IS 'x';", 'run'],
  ['post-data', OTHER_INDEX, 'CREATE INDEX o ON public.other USING btree (a);', 'leave'],
  ['post-data', OTHER_INDEX, 'ALTER TABLE public.t CLUSTER ON o;', 'leave'],
  ['post-data', entry('COMMENT', 'INDEX o'), "COMMENT ON INDEX public.o IS 'x';", 'leave'],
  ['post-data', entry('INDEX ATTACH', 'i'), 'ALTER INDEX public.o ATTACH PARTITION public.i;', 'leave'],
  ['post-data', entry('INDEX ATTACH', 'i'), 'ALTER INDEX public.i ATTACH PARTITION public.i;', 'run'],
  [
    'post-data',
    entry('FK CONSTRAINT', 't self'),
    'ALTER TABLE ONLY public.t ADD CONSTRAINT self FOREIGN KEY (a) REFERENCES public.t(a);',
    'run',
  ],
  [
    'post-data',
    entry('FK CONSTRAINT', 't away'),
    'ALTER TABLE ONLY public.t ADD CONSTRAINT away FOREIGN KEY (a) REFERENCES public.other(a);',
    'leave',
  ],
  [
    'post-data',
    entry('FK CONSTRAINT', 'other here'),
    'ALTER TABLE ONLY public.other ADD CONSTRAINT here FOREIGN KEY (a) REFERENCES public.t(a);',
    'leave',
  ],
  // What the schema defines may lean on the primary key of any table.
  [
    'post-data',
    entry('CONSTRAINT', 'other k'),
    'ALTER TABLE ONLY public.other ADD CONSTRAINT k PRIMARY KEY (a);',
    'try',
  ],
  [
    'post-data',
    entry('CONSTRAINT', 'other u'),
    'ALTER TABLE ONLY public.other ADD CONSTRAINT u UNIQUE (b);',
    'try',
  ],
  [
    'post-data',
    entry('VIEW', 'v'),
    'CREATE OR REPLACE VIEW public.v AS SELECT b FROM public.other GROUP BY a;',
    'try',
  ],
  ['post-data', PUBLICATION, 'CREATE PUBLICATION p FOR ALL TABLES;', 'leave'],
  ['post-data', PUBLICATION, 'ALTER PUBLICATION p OWNER TO someone;', 'leave'],
  ['post-data', entry('ACL', 'TABLE t'), 'GRANT SELECT ON TABLE public.t TO someone;', 'run'],
  ['post-data', entry('ACL', 'TABLE other'), 'GRANT SELECT ON TABLE public.other TO someone;', 'try'],
  ['post-data', entry('ACL', 'LARGE OBJECT 4711'), 'GRANT SELECT ON LARGE OBJECT 4711 TO a;', 'leave'],
  // A dump without comments tells of no entries.
  ['post-data', undefined, 'CREATE POLICY p ON public.t;', 'run'],
  ['post-data', undefined, 'CREATE POLICY p ON public.other;', 'leave'],
];

test('what is run is the schema, and what is about the named tables alone', () => {
  const selection = select([block('t'), block('other')], 't');
  for (const [section, of, sql, take] of STEPS) {
    const statement = { type: 'statement', sql: Buffer.from(sql), entry: of, offset: 0, line: 1 } as const;
    expect([sql, selection.takes(statement, section)]).toEqual([sql, take]);
  }
  // Of the other tables' foreign keys nothing has to be said: these tables are empty.
  expect(selection.foreignKeys).toEqual(['away of public.t to public.other']);
});
