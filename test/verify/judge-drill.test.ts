import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { createDigester, type DumpDigest } from '../../src/verify/dump-digest.ts';
import { judgeDrill } from '../../src/verify/judge-drill.ts';
import { complete } from '../retention/backups.ts';
import { dumpText, entry } from '../support/dump-text.ts';

const TABLE = `${entry('TABLE', 't')}CREATE TABLE public.t (a int);\n`;
const DATA = `${entry('TABLE DATA', 't')}COPY public.t (a) FROM stdin;\n1\n2\n\\.\n`;
const INDEX = `${entry('INDEX', 'i')}CREATE INDEX i ON public.t (a);\n`;
const WHOLE = dumpText(`SELECT 1;\n\n${TABLE}${DATA}${INDEX}`);

const OWN = {
  ...complete('2026-11-23').manifest!,
  snapshot: { id: '1', lsn: '0/0', at: '2026-11-23T00:00:00.000Z' },
};
const PUSHED = { ...OWN, snapshot: null };

function digest(text: string, cuts: readonly number[] = []): DumpDigest {
  const bytes = Buffer.from(text);
  const digester = createDigester('it');
  const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
  for (const [at, end] of ends.entries()) digester.push(bytes.subarray(ends[at - 1] ?? 0, end));
  return digester.end();
}

const judge = (restored: string, original = WHOLE, manifest: Manifest | 'foreign' = OWN) =>
  judgeDrill({
    original: digest(original),
    restored: digest(restored),
    manifest: manifest === 'foreign' ? undefined : manifest,
  });

test('a digest is the same however the dump is cut', () => {
  const expected = digest(WHOLE);
  fc.assert(
    fc.property(fc.array(fc.nat(WHOLE.length), { maxLength: 6 }), (cuts) => {
      expect(digest(WHOLE, cuts)).toEqual(expected);
    }),
  );
});

test.each([
  ['the minor versions', WHOLE.replaceAll('15.18', '15.19')],
  ['the key of \\restrict', WHOLE.replace('SET client', '\\restrict abc\n\nSET client')],
  ['comments at the end', WHOLE.replace('--\n-- PostgreSQL database dump complete', '\n-- x\n$&')],
])('%s may differ', (_, restored) => {
  expect(restored).not.toBe(WHOLE);
  expect(judge(restored)).toMatchObject({
    faults: [],
    proved:
      'PostgreSQL 15 restores it; dumped again, its schema and the rows of its one table are identical byte for byte',
  });
});

test.each([
  ['a blank more', WHOLE.replace('(a int)', '(a  int)'), ['schema TABLE public.t']],
  [
    'an owner',
    WHOLE.replace('Name: i; Type: INDEX; Schema: public; Owner: -', '$&x'),
    ['schema INDEX public.i'],
  ],
  ['a setting', WHOLE.replace("'UTF8'", "'LATIN1'"), ['schema the settings at the beginning']],
  ['a column of COPY', WHOLE.replace('t (a) FROM', 't (b) FROM'), ['schema TABLE DATA public.t']],
  ['an entry that is gone', WHOLE.replace(INDEX, ''), ['schema INDEX public.i']],
  ['an entry more', WHOLE.replace(INDEX, INDEX + INDEX), ['schema INDEX public.i']],
  ['rows', WHOLE.replace('\n1\n2\n', '\n2\n1\n'), ['table public.t']],
  ['a row', WHOLE.replace('\n1\n2\n', '\n1\n'), ['table public.t', 'table public.t']],
  ['a table that is gone', WHOLE.replace(DATA, ''), ['table public.t', 'schema TABLE DATA public.t']],
  [
    'a table more',
    WHOLE.replace(INDEX, `COPY public.u (a) FROM stdin;\n1\n\\.\n${INDEX}`),
    ['table public.u', 'schema TABLE DATA public.t'],
  ],
])('%s is told', (_, restored, expected) => {
  expect(judge(restored).faults.map(({ what, where }) => `${what} ${where}`)).toEqual(expected);
});

test('an owner of what is digested in its normal spelling is told', () => {
  const original = WHOLE.replace('t (a);', 't (((a)::text));');
  const restored = original.replace('Name: i; Type: INDEX; Schema: public; Owner: -', '$&x');
  expect(judge(restored, original).faults).toMatchObject([{ what: 'schema', where: 'INDEX public.i' }]);
});

describe('rights on a schema public that was dropped and created again', () => {
  const rights = (...grants: readonly string[]) =>
    grants.length === 0 ? '' : `${entry('ACL', 'SCHEMA public', '-')}${grants.join('\n')}\n`;
  const dumped = (server: string, ...grants: readonly string[]) =>
    dumpText(`${TABLE}${rights(...grants)}`, { server });
  const GRANT = 'GRANT ALL ON SCHEMA public TO PUBLIC;';
  const OTHER = 'GRANT ALL ON SCHEMA public TO app;';
  const CLOSING = 'REVOKE ALL ON SCHEMA public FROM PUBLIC;';

  test.each([
    [[GRANT], []],
    [[GRANT, OTHER], [OTHER]],
    [[OTHER, GRANT], [OTHER]],
  ])('may lack the grant that makes it like that of a new database: %j', (before, after) => {
    expect(judge(dumped('14.9', ...after), dumped('14.9', ...before)).faults).toEqual([]);
  });

  test.each([
    ['15.18', [GRANT], []],
    ['14.9', ['GRANT USAGE ON SCHEMA public TO PUBLIC;'], []],
    ['14.9', [GRANT, OTHER], []],
    ['14.9', [OTHER], [CLOSING]],
    ['14.9', [CLOSING, GRANT], [CLOSING]],
  ])('are told if others differ, or the server closes that schema: %s %j', (server, before, after) => {
    expect(judge(dumped(server, ...after), dumped(server, ...before)).faults).toMatchObject([
      { where: 'ACL SCHEMA public' },
    ]);
  });
});

test('entries in another order are told', () => {
  const other = `${entry('INDEX', 'j')}CREATE INDEX j ON public.t (a);\n`;
  const [one, two] = [`${INDEX}${other}`, `${other}${INDEX}`].map((text) => WHOLE.replace(INDEX, text));
  expect(judge(two!, one!).faults).toMatchObject([{ what: 'schema', where: 'in the order of its entries' }]);
});

test('another major version writes otherwise, which is no fault; rows are compared all the same', () => {
  const restored = WHOLE.replaceAll('15.18', '17.2').replace('(a int)', '(a integer)');
  expect(judge(restored)).toMatchObject({
    faults: [],
    proved: 'PostgreSQL 17 restores it; dumped again, the rows of its one table are identical byte for byte',
    unproved:
      'the schema’s text, because pg_dump 15 of PostgreSQL 15 wrote the dump and pg_dump 17 of PostgreSQL 17 writes it differently',
  });
  expect(judge(restored.replace('\n1\n', '\n3\n')).faults).toHaveLength(1);
});

test.each([
  [[entry('SEQUENCE SET', 's')], 'the schema’s text and the positions of sequences'],
  [[entry('BLOBS', '16404')], 'the schema’s text and the contents of large objects'],
  [
    [entry('SEQUENCE SET', 's'), entry('BLOBS', '16404')],
    'the schema’s text, the positions of sequences, and the contents of large objects',
  ],
])('what another major version writes as text is named as not proved: %j', (entries, text) => {
  const original = WHOLE.replace(INDEX, entries.map((each) => `${each}SELECT 1;\n${INDEX}`).join(''));
  const { unproved } = judge(original.replaceAll('15.18', '17.2'), original);
  expect(unproved).toBe(
    `${text}, because pg_dump 15 of PostgreSQL 15 wrote the dump and pg_dump 17 of PostgreSQL 17 writes it differently`,
  );
});

test.each([[PUSHED], ['foreign' as const]])(
  'where the options of the dump are not known, its text is none',
  (manifest) => {
    expect(judge(WHOLE.replace('(a int)', '(a  int)'), WHOLE, manifest)).toMatchObject({
      faults: [],
      unproved: expect.stringMatching(
        /^the schema’s text \(schema TABLE public\.t: .*\), because the options/,
      ),
    });
    expect(judge(WHOLE.replace('\n1\n', '\n3\n'), WHOLE, manifest).faults).toHaveLength(1);
  },
);

const COUNTED =
  'the bytes of the rows of public.t, which the dump holds in several pieces or partitions: only their number was compared';

test('of a table in several blocks the rows are counted', () => {
  const twice = WHOLE.replace(DATA, `${DATA}${DATA}`);
  const once = WHOLE.replace('\n1\n2\n', '\n1\n2\n1\n2\n');
  expect(judge(once, twice, 'foreign')).toMatchObject({
    faults: [],
    proved: expect.stringContaining('again, 0 of 1 table are identical byte for byte'),
    unproved: expect.stringContaining(COUNTED),
  });
  expect(judge(WHOLE, twice, 'foreign').faults).toMatchObject([{ expected: '4 rows', found: '2 rows' }]);
});

describe('rows of partitions that are dumped as those of the whole table', () => {
  const data = (table: string, part: string, ...rows: readonly number[]) =>
    `${entry('TABLE DATA', part)}COPY public.${table} (a) FROM stdin;\n${rows.map((row) => `${row}\n`).join('')}\\.\n`;
  const dump = (...parts: readonly string[]) => WHOLE.replace(DATA, parts.join(''));
  const through = dump(data('t', 't_1', 1, 2), data('t', 't_2', 3));

  test.each([
    ['lie in other partitions', dump(data('t', 't_1', 1), data('t', 't_2', 3, 2))],
    ['all lie in one', dump(data('t', 't_1', 1, 2, 3), data('t', 't_2'))],
  ])('may, restored, %s', (_, restored) => {
    expect(judge(restored, through)).toMatchObject({
      faults: [],
      proved: expect.stringContaining('again, its schema and 0 of 1 table are'),
      unproved: COUNTED,
    });
  });

  test('may be dumped again partition by partition', () => {
    const restored = dump(data('t_1', 't_1', 2, 1), data('t_2', 't_2', 3));
    expect(judge(restored, through, 'foreign')).toMatchObject({
      faults: [],
      unproved: expect.stringContaining(COUNTED),
    });
  });

  test.each([
    ['through the whole table', dump(data('t', 't_1', 1), data('t', 't_2', 3)), '2 rows'],
    ['through each', dump(data('t_1', 't_1', 1), data('t_2', 't_2', 3)), '2 rows'],
    ['not at all', dump(), 'nothing'],
  ])('are missed where fewer come back %s', (_, restored, found) => {
    expect(judge(restored, through, 'foreign').faults).toEqual([
      { what: 'table', where: 'public.t', expected: '3 rows', found },
    ]);
  });
});

test('a table without a schema in its COPY, as old dumps have it, is that of its entry', () => {
  const old = WHOLE.replace('COPY public.t', 'COPY t');
  expect(judge(WHOLE, old, 'foreign').faults).toEqual([]);
});

test('a table with a line end in its name, which its entry has as a blank, is its own', () => {
  const odd = WHOLE.replace('Name: t; Type: TABLE DATA', 'Name: a b; Type: TABLE DATA').replace(
    'COPY public.t',
    'COPY public."a\nb"',
  );
  expect(judge(odd, odd).proved).toContain('its schema and the rows of its one table are');
  expect(judge(odd.replace('\n1\n2\n', '\n2\n1\n'), odd).faults).toHaveLength(1);
});

test('millions of large objects are one entry', () => {
  const blobs = (owner: string) =>
    [1, 2, 3]
      .map(
        (oid) =>
          `${entry('BLOB', `${oid}`, '-')}SELECT pg_catalog.lo_create('${oid}');\nALTER LARGE OBJECT ${oid} OWNER TO ${owner};\n`,
      )
      .join('');
  const whole = (owner: string) => WHOLE.replace(TABLE, `${TABLE}${blobs(owner)}`);
  expect(digest(whole('a')).entries.map(({ name }) => name)).toEqual([
    'the settings at the beginning',
    'TABLE public.t',
    'large objects',
    'TABLE DATA public.t',
    'INDEX public.i',
  ]);
  expect(judge(whole('b'), whole('a')).faults).toMatchObject([{ what: 'schema', where: 'large objects' }]);
});
