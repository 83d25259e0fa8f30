import fc from 'fast-check';
import type pg from 'pg';
import pgLibrary from 'pg';
import { to } from 'pg-copy-streams';
import { expect, inject, test } from 'vitest';
import { copyToCsv } from '../../src/postgres/copy-csv.ts';
import { withClient } from '../support/database.ts';

const LONG = 64 * 1024;

async function* cut(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const ends = [...cuts.map((at) => Math.min(at, bytes.length)), bytes.length].sort((a, b) => a - b);
  for (const [index, end] of ends.entries()) yield bytes.subarray(ends[index - 1] ?? 0, end);
}

async function csvOf(columns: readonly string[], rows: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  const names = columns.map((column) => Buffer.from(column));
  for await (const chunk of copyToCsv(names, rows)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function copy(client: pg.Client, query: string, options: string): Promise<Buffer> {
  return Buffer.concat(await client.query(to(`COPY (${query}) TO STDOUT ${options}`)).toArray());
}

const value = fc.option(
  fc.string({
    unit: fc.oneof(
      fc.constantFrom('a', ',', '"', '\n', '\r', '\t', '\\', '.', 'N', ' ', 'é', '😀'),
      fc.integer({ min: 1, max: 127 }).map((code) => String.fromCharCode(code)),
    ),
    maxLength: 6,
  }),
  { freq: 5 },
);

const table = fc.integer({ min: 1, max: 3 }).chain((width) =>
  fc.record({
    columns: fc.uniqueArray(
      fc.string({ unit: fc.constantFrom('a', 'B', ',', '"', ' ', 'é'), minLength: 1, maxLength: 4 }),
      { minLength: width, maxLength: width },
    ),
    rows: fc.array(fc.array(value, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
  }),
);

test('it is the CSV that PostgreSQL writes, however the rows are cut into chunks', async () => {
  await withClient(inject('postgres'), 'postgres', (client) =>
    fc.assert(
      fc.asyncProperty(table, fc.array(fc.nat(60), { maxLength: 5 }), async ({ columns, rows }, cuts) => {
        const literal = (text: string | null) =>
          text === null ? 'NULL::text' : `${pgLibrary.escapeLiteral(text)}::text`;
        const lines = rows.map((row) => `(${row.map(literal).join(', ')})`);
        const names = columns.map((column) => pgLibrary.escapeIdentifier(column)).join(', ');
        const query = `SELECT * FROM (VALUES ${lines.join(', ')}) AS t (${names})`;
        const text = await copy(client, query, '');
        const expected = await copy(client, query, '(FORMAT csv, HEADER)');
        expect(await csvOf(columns, cut(text, cuts))).toBe(expected.toString());
      }),
      { numRuns: 150 },
    ),
  );
});

test.each([
  ['a table without columns', [], '\n\n', '\n\n\n'],
  ['a table without rows', ['a', 'b'], '', 'a,b\n'],
  ['escapes by number', ['a', 'b'], '\\x41\\x4a0\t\\101\\1\n', 'a,b\nAJ0,A\u0001\n'],
] as const)('%s', async (_, columns, text, expected) => {
  expect(await csvOf(columns, cut(Buffer.from(text), [1, 2, 3]))).toBe(expected);
});

test('a long field is the same wherever it is cut, within its escapes too', async () => {
  const escaped = `${'x'.repeat(LONG - 2)}\\\\\\t\\n"\\x41,`;
  const text = Buffer.from(`1\t${escaped}\t2\n${'y'.repeat(LONG)}\t\\N\t\n`);
  const expected = `a,b,c\n1,"${'x'.repeat(LONG - 2)}\\\t\n""A,",2\n${'y'.repeat(LONG)},,""\n`;
  for (let at = LONG - 4; at < LONG + 16; at++) {
    expect((await csvOf(['a', 'b', 'c'], cut(text, [at, at + 1, at + 3]))) === expected).toBe(true);
  }
});

test('of a row of 100 MB no more is held than of any other', async () => {
  const piece = Buffer.alloc(64 * 1024, `${'x'.repeat(63)}"`);
  let largest = 0;
  let bytes = 0;
  async function* rows() {
    for (let at = 0; at < 1600; at++) yield piece;
    yield Buffer.from('\n');
  }
  for await (const chunk of copyToCsv([Buffer.from('a')], rows())) {
    largest = Math.max(largest, chunk.length);
    bytes += chunk.length;
  }
  expect(bytes).toBe('a\n""\n'.length + (piece.length * 1600 * 65) / 64);
  expect(largest).toBeLessThan(200_000);
});
