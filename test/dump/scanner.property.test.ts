import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHECKPOINT_BYTES, createCheckpointer } from '../../src/dump/checkpoints.ts';
import type { DumpIndex } from '../../src/dump/dump-index.ts';
import { countNewlines } from '../../src/dump/newlines.ts';
import { createScanner } from '../../src/dump/scanner.ts';
import { DumpError } from '../../src/errors.ts';
import { dumpText, entry } from '../support/dump-text.ts';

/** Cuts `bytes` at these places, which may be any numbers. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

function scan(chunks: readonly Buffer[]): { index: DumpIndex; bytes: Buffer } {
  const scanner = createScanner('test.sql');
  const seen: Buffer[] = [];
  const take = (tokens: ReturnType<typeof scanner.push>) => {
    for (const token of tokens) {
      if (token.type === 'text' || token.type === 'copy-rows') seen.push(Buffer.from(token.data));
    }
  };
  for (const chunk of chunks) take(scanner.push(chunk));
  take(scanner.end());
  return { index: scanner.finish(), bytes: Buffer.concat(seen) };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const row = fc.oneof(
  fc.constantFrom('', '1\t\\N', '\\\\.', 'COPY t FROM stdin;', '--', "it's", '\\\\', '.', ';'),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replace(/[\\\r\n\t\0]/g, '_')),
);
const statement = fc.constantFrom(
  'CREATE TABLE public.t (a int);',
  "COMMENT ON TABLE public.t IS 'a; b\n\\.\nCOPY x FROM stdin;\n';",
  'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;',
  'DO $x$ ; $x$;',
  'ALTER TABLE public.t OWNER TO "Me";',
);
const dump = fc
  .record({
    before: fc.array(statement, { maxLength: 4 }),
    tables: fc.array(fc.array(row, { maxLength: 6 }), { maxLength: 4 }),
    after: fc.array(statement, { maxLength: 4 }),
  })
  .map(({ before, tables, after }) => {
    const texts = [
      ...before.map((sql) => `${entry('TABLE', 't')}\n${sql}\n\n`),
      ...tables.map((rows, index) => {
        const data = rows.map((line) => `${line}\n`).join('');
        return `${entry('TABLE DATA', `t${index}`)}\nCOPY public.t${index} (a) FROM stdin;\n${data}\\.\n\n`;
      }),
      ...after.map((sql) => `${entry('INDEX', 't')}\n${sql}\n\n`),
    ];
    return { text: dumpText(texts.join('\n')), tables };
  });

test('any cut into chunks gives the same index, and every byte once, in order', () => {
  fc.assert(
    fc.property(dump, fc.array(fc.nat(), { maxLength: 12 }), ({ text }, places) => {
      const bytes = Buffer.from(text);
      const whole = scan([bytes]);
      expect(whole.bytes.equals(bytes)).toBe(true);
      expect(scan(cut(bytes, places))).toEqual(whole);
      expect(scan(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
    }),
    { numRuns: 150 },
  );
});

test('offsets, rows and hashes are those that the text itself gives', () => {
  fc.assert(
    fc.property(dump, ({ text, tables }) => {
      const bytes = Buffer.from(text);
      const { index } = scan([bytes]);
      expect(index.bytes).toBe(bytes.length);
      expect(index.tables.map(({ name, rows }) => [name, rows])).toEqual(
        tables.map((rows, at) => [`t${at}`, rows.length]),
      );
      for (const [at, table] of index.tables.entries()) {
        const data = Buffer.from(tables[at]!.map((line) => `${line}\n`).join(''));
        expect(bytes.subarray(table.offset, table.offset + table.bytes).equals(data)).toBe(true);
        expect(table.sha256).toBe(sha256(data));
      }
      // Sections are contiguous, and what lies under no table lies under theirs.
      let end = 0;
      for (const section of index.sections) {
        expect(section.offset).toBe(end);
        end += section.bytes;
        const pieces: Buffer[] = [];
        let from = section.offset;
        for (const { offset, bytes: length } of index.tables) {
          if (offset < section.offset || offset >= end) continue;
          pieces.push(bytes.subarray(from, offset));
          from = offset + length;
        }
        pieces.push(bytes.subarray(from, end));
        expect(section.sha256).toBe(sha256(Buffer.concat(pieces)));
      }
      expect(end).toBe(bytes.length);
    }),
    { numRuns: 150 },
  );
});

test('no damage makes it hang or fail with anything but a DumpError', () => {
  fc.assert(
    fc.property(
      dump,
      fc.array(fc.record({ at: fc.nat(), drop: fc.nat(20), put: fc.uint8Array({ maxLength: 12 }) }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.array(fc.nat(), { maxLength: 6 }),
      ({ text }, damages, places) => {
        let bytes = Buffer.from(text);
        for (const { at, drop, put } of damages) {
          const from = at % bytes.length;
          bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + drop)]);
        }
        const outcome = (chunks: readonly Buffer[]) => {
          try {
            return scan(chunks);
          } catch (error) {
            expect(error).toBeInstanceOf(DumpError);
            return 'refused';
          }
        };
        const whole = outcome([bytes]);
        const inPieces = outcome(cut(bytes, places));
        expect(inPieces === 'refused').toBe(whole === 'refused');
        if (whole !== 'refused') expect(inPieces).toEqual(whole);
      },
    ),
    { numRuns: 400 },
  );
});

test('line feeds are counted right wherever the bytes lie in memory, and however many or few they are', () => {
  // Line feeds and their neighbours are what a word at a time may confuse; all or none of them fill its counters.
  const confusing = fc
    .uint8Array({ maxLength: 5000 })
    .map((values) => values.map((value) => (value < 128 ? 9 + (value % 4) : value)));
  const uniform = fc
    .record({ length: fc.nat(5000), byte: fc.constantFrom(0, 10, 11, 0x8a, 255) })
    .map(({ length, byte }) => new Uint8Array(length).fill(byte));
  // Long lines and short ones are counted in different ways, from one stretch of them to the next.
  const stretches = fc
    .array(fc.record({ length: fc.constantFrom(1, 40, 63, 64, 65, 3000), lines: fc.nat(900) }), {
      maxLength: 6,
    })
    .map((all) =>
      Buffer.from(all.map(({ length, lines }) => `${'x'.repeat(length - 1)}\n`.repeat(lines)).join('')),
    );
  fc.assert(
    fc.property(fc.oneof(confusing, uniform, stretches), fc.nat(7), (values: Uint8Array, shift) => {
      const bytes = Buffer.alloc(values.length + shift);
      bytes.set(values, shift);
      const view = bytes.subarray(shift);
      expect(countNewlines(view)).toBe(view.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0));
    }),
  );
});

test('checkpoints stand between rows, at the same places for any chunks, and their sums can be taken up', () => {
  // Rows of 1 byte to 3 MiB, some 70 MiB in all.
  const rows = Array.from({ length: 90 }, (_, n) => `${'x'.repeat((n * 77_777) % 3_100_000)}\n`);
  const bytes = Buffer.from(rows.join(''));
  const offset = 1234;
  const checkpointsOf = (chunkBytes: number) => {
    const checkpointer = createCheckpointer(offset);
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const chunk = bytes.subarray(at, at + chunkBytes);
      checkpointer.add(chunk, countNewlines(chunk));
    }
    return checkpointer.finish();
  };
  const found = checkpointsOf(64 * 1024);
  for (const chunkBytes of [4_999, 1_000_003, bytes.length]) expect(checkpointsOf(chunkBytes)).toEqual(found);
  expect(found.length).toBeGreaterThan(3);
  expect(found.at(-1)).toEqual({ offset: offset + bytes.length, rows: rows.length, crc32: crc32(bytes) });
  let before = { offset, rows: 0, crc32: 0 };
  for (const point of found) {
    const piece = bytes.subarray(before.offset - offset, point.offset - offset);
    expect(piece.at(-1)).toBe(10);
    expect(point.rows - before.rows).toBe(countNewlines(piece));
    expect(crc32(piece, before.crc32)).toBe(point.crc32);
    if (point !== found.at(-1)) expect(piece.length).toBeGreaterThanOrEqual(CHECKPOINT_BYTES);
    before = point;
  }
});
