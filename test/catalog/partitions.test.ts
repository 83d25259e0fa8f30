import { expect, test } from 'vitest';
import { resolveTables } from '../../src/catalog/choose-tables.ts';
import { type Partition, partitionOf } from '../../src/catalog/partitions.ts';

const named = (text: string) => {
  const [schema, name] = text.split('/') as [string, string];
  return { schema, name };
};

const STATEMENTS: readonly (readonly [sql: string, whole: string, part: string])[] = [
  [
    "ALTER TABLE ONLY public.whole ATTACH PARTITION other.part FOR VALUES FROM ('a') TO ('b');",
    'public/whole',
    'other/part',
  ],
  ['ALTER TABLE ONLY "W ""x""".a ATTACH PARTITION "P".b DEFAULT;', 'W "x"/a', 'P/b'],
  ["CREATE TABLE public.part PARTITION OF public.whole\nFOR VALUES IN ('a');", 'public/whole', 'public/part'],
];

test.each(STATEMENTS)('%s', (sql, whole, part) => {
  expect(partitionOf(sql)).toEqual({ whole: named(whole), part: named(part) });
});

test.each([
  'CREATE TABLE public.whole (a date) PARTITION BY RANGE (a);',
  'ALTER TABLE ONLY public.t ALTER COLUMN a SET STATISTICS 100;',
  'ALTER INDEX public.whole_i ATTACH PARTITION public.part_i;',
  "COMMENT ON TABLE public.t IS 'ATTACH PARTITION x';",
  'ALTER TABLE',
])('%s makes no partition', (sql) => {
  expect(partitionOf(sql)).toBeUndefined();
});

const partition = (whole: string, part: string): Partition => ({ whole: named(whole), part: named(part) });

test('a table stands for its partitions and for theirs', () => {
  const tables = ['s/a', 's/b', 's/other', 't/c'].map((text) => ({
    ...named(text),
    columns: [],
    rows: 0,
    offset: 0,
    bytes: 0,
    sha256: '',
    checkpoints: [],
  }));
  const partitions = [
    partition('s/middle', 's/a'),
    partition('s/whole', 's/middle'),
    partition('s/whole', 't/c'),
    partition('s/apart', 's/other'),
    // As in a dump of INSERTs, or with --exclude-table-data.
    partition('s/lacking', 's/without_rows'),
  ];
  const of = (...wanted: string[]) => {
    const chosen = resolveTables(tables, partitions, wanted, (table) => `cannot fetch ${table}`);
    return [chosen.tables.map(({ name }) => name).join(' '), [...chosen.names].sort().join(' ')];
  };
  expect(of('s.whole')).toEqual(['a c', 's.a s.middle s.whole t.c']);
  expect(of('middle', 'b')).toEqual(['a b', 's.a s.b s.middle']);
  expect(of('t.c')).toEqual(['c', 't.c']);
  expect(() => of('hole')).toThrow(/did you mean s\.whole/);
  expect(() => of('t.c', 'lacking')).toThrow('cannot fetch lacking: it is partitioned, and none of its');
});
