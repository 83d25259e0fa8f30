import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { copyOut } from '../../src/postgres/copy-out.ts';
import {
  copyLines,
  countLines,
  decodeCopyField,
  linesFrom,
  splitLines,
} from '../../src/postgres/copy-text.ts';
import { openDatabase } from '../../src/postgres/database.ts';

const TAB = '\t';

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['\\N', null],
  ['\\\\N', '\\N'],
  ['a\\tb\\nc\\rd\\\\e\\bf\\fg\\vh', 'a\tb\nc\rd\\e\bf\fg\vh'],
  ['\\x', 'x'],
  ['ends in \\', 'ends in \\'],
  ['粗糙\\\\表面', '粗糙\\表面'],
])('the field %j is %j', (field, value) => {
  expect(decodeCopyField(Buffer.from(field))?.toString() ?? null).toBe(value);
});

async function rowsOf(chunks: readonly Buffer[]): Promise<string[]> {
  async function* source() {
    yield* chunks;
  }
  const rows: string[] = [];
  for await (const lines of copyLines(source())) rows.push(...lines.map(String));
  return rows;
}

test.each([
  ['', []],
  ['\n', ['']],
  ['a\n', ['a']],
  ['a', ['a']],
  ['a\n\nb\n', ['a', '', 'b']],
  ['a\nb', ['a', 'b']],
])('the block %j has the rows %j', (text, rows) => {
  const block = Buffer.from(text);
  expect(splitLines(block).map(String)).toEqual(rows);
  expect(countLines(block)).toBe(rows.length);
  for (const index of rows.keys())
    expect([...linesFrom(block, index)].map(String)).toEqual(rows.slice(index));
});

test('rows are the same however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '\\n', '\t'), maxLength: 4 }), { maxLength: 6 }),
      fc.array(fc.nat(40), { maxLength: 6 }),
      async (rows, cuts) => {
        const bytes = Buffer.from(rows.map((row) => `${row}\n`).join(''));
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        expect(await rowsOf(chunks)).toEqual(rows);
      },
    ),
  );
});

test('whatever PostgreSQL escapes comes back', async () => {
  const postgres = inject('postgres');
  const database = openDatabase(
    readConfig({ env: { ...postgres, POSTGRES_DB: 'postgres' }, flags: {} }, ['database']),
    {},
  );
  const values = Array.from({ length: 127 }, (_, code) => `<${String.fromCharCode(code + 1)}>`);
  const sql = `COPY (SELECT chr(code), '<' || chr(code) || '>' FROM generate_series(1, 127) code) TO STDOUT`;
  const rows: string[] = [];
  await database.use('postgres', new AbortController().signal, async (client) => {
    for await (const lines of copyLines(copyOut(database, client, sql))) rows.push(...lines.map(String));
  });
  const second = rows.map((row) => decodeCopyField(Buffer.from(row.split(TAB)[1]!))?.toString());
  expect(second).toEqual(values);
});
