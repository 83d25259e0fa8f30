import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAll, readText } from '../../src/dump/read-text.ts';
import { createScanner } from '../../src/dump/scanner.ts';
import type { DumpToken } from '../../src/dump/tokens.ts';
import { dumpText, entry } from '../support/dump-text.ts';

const rows = (count: number) =>
  Array.from({ length: count }, (_, n) => `${n}\tCOPY x FROM stdin;\\\\.\n`).join('');
const copy = (table: string, count: number) =>
  `${entry('TABLE DATA', table)}COPY public.${table} (id, body) FROM stdin;\n${rows(count)}\\.\n\n\n`;
const DUMP = Buffer.from(
  dumpText(
    `${['a', 'b', 'c', 'd'].map((table) => `${entry('TABLE', table)}CREATE TABLE public.${table} (id integer, body text);\n\n`).join('')}${copy('a', 7)}${copy('b', 0)}${copy('c', 300)}${entry('SEQUENCE SET', 's')}SELECT pg_catalog.setval('public.s', 7, true);\n\n${copy('d', 1)}${entry('INDEX', 'i')}CREATE INDEX i ON public.a USING btree (id);\n`,
  ),
);

async function* chunked(from: number, to: number, size: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; at += size) yield DUMP.subarray(at, Math.min(to, at + size));
}

/** What a token says of its place; rows and texts come in other chunks each time. */
function places(token: DumpToken): object[] {
  if (token.type === 'text' || token.type === 'copy-rows') return [];
  if (token.type === 'statement' || token.type === 'copy-start')
    return [{ ...token, sql: String(token.sql) }];
  return [token];
}

async function collect(tokens: AsyncIterable<DumpToken>): Promise<object[]> {
  const found: object[] = [];
  for await (const token of tokens) found.push(...places(token));
  return found;
}

async function readWhole() {
  const scanner = createScanner('x.sql', 'whole');
  const tokens = await collect(readAll(scanner, chunked(0, DUMP.length, 64)));
  return { tokens, index: scanner.finish() };
}

test('whatever tables are left out, the index and the places of all else are those of the whole dump', async () => {
  const whole = await readWhole();
  expect(whole.index.tables).toHaveLength(4);
  await fc.assert(
    fc.asyncProperty(
      fc.subarray([...whole.index.tables]),
      fc.integer({ min: 5, max: 500 }),
      async (leftOut, size) => {
        const read: number[] = [];
        const scanner = createScanner('x.sql', 'whole');
        const withRows = leftOut.filter(({ bytes }) => bytes > 0);
        const tokens = readText(
          scanner,
          {
            bytes: DUMP.length,
            leftOut: withRows,
            readRange: ({ start, end }) => {
              read.push(end + 1 - start);
              return chunked(start, end + 1, size);
            },
          },
          new AbortController().signal,
        );
        expect(await collect(tokens)).toEqual(whole.tokens);
        expect(scanner.finish()).toEqual(whole.index);
        const spared = withRows.reduce((sum, { bytes }) => sum + bytes, 0);
        expect(read.reduce((sum, bytes) => sum + bytes, 0)).toBe(DUMP.length - spared);
      },
    ),
  );
});

test.each([
  ['elsewhere', { offset: 3 }],
  ['in another table', { name: 'b' }],
  ['in no table', { schema: 'other' }],
])('rows that are said to lie %s are no rows of the dump', async (_, change) => {
  const { index } = await readWhole();
  const leftOut = [{ ...index.tables[2]!, ...change }];
  const readRange = ({ start, end }: { start: number; end: number }) => chunked(start, end + 1, 64);
  const tokens = readText(
    createScanner('x.sql'),
    { bytes: DUMP.length, leftOut, readRange },
    new AbortController().signal,
  );
  await expect(collect(tokens)).rejects.toMatchObject({
    name: 'DumpError',
    message: expect.stringMatching(
      /^cannot read the dump x\.sql: no rows of \S+ begin at byte \d+ — use another backup$/,
    ),
  });
});
