import { decodeCopyField, decodeCopyPiece } from './copy-text.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** A field longer than this, in bytes of COPY's text, is quoted whatever it contains, so that it need not be held. */
const LONG_FIELD = 64 * 1024;

const COMMA_BYTES = Buffer.from(',');
const NEWLINE_BYTES = Buffer.from('\n');
const QUOTE_BYTES = Buffer.from('"');
const EMPTY_TEXT = Buffer.from('""');
const END_MARK = Buffer.from('\\.');

/**
 * Turns rows in COPY's text format into CSV (RFC 4180) with a header line, as `COPY … TO … (FORMAT csv, HEADER)`
 * writes it: NULL is nothing, an empty string is `""`. The bytes stay in the encoding of the rows. Neither rows nor
 * long fields are held.
 *
 * @param columns the header's names, in the encoding of the rows
 */
export async function* copyToCsv(
  columns: readonly Buffer[],
  rows: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const width = columns.length;
  const header = columns.flatMap((column, at) => [...(at > 0 ? [COMMA_BYTES] : []), ...quote(column, width)]);
  yield Buffer.concat([...header, NEWLINE_BYTES]);
  /** What is held of an unfinished field: all of a short one; of a long one, only an escape that was cut. */
  let held: Buffer = Buffer.alloc(0);
  let long = false;

  /** @returns what can already be written of a long field */
  function* lengthen(bytes: Buffer, final: boolean): Generator<Buffer> {
    if (!long) yield QUOTE_BYTES;
    long = true;
    const { value, taken } = decodeCopyPiece(bytes, final);
    yield* doubleQuotes(value);
    held = bytes.subarray(taken);
    if (final) yield QUOTE_BYTES;
  }

  function* endField(bytes: Buffer): Generator<Buffer> {
    const field = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    if (long || field.length > LONG_FIELD) yield* lengthen(field, true);
    else yield* shortField(field, width);
    held = Buffer.alloc(0);
    long = false;
  }

  for await (const chunk of rows) {
    const out: Buffer[] = [];
    let start = 0;
    for (let end = nextEnd(chunk, 0); end < chunk.length; end = nextEnd(chunk, start)) {
      for (const piece of endField(chunk.subarray(start, end))) out.push(piece);
      out.push(chunk[end] === TAB ? COMMA_BYTES : NEWLINE_BYTES);
      start = end + 1;
    }
    if (start < chunk.length) {
      const rest = Buffer.concat([held, chunk.subarray(start)]);
      held = rest;
      if (long || rest.length > LONG_FIELD) for (const piece of lengthen(rest, false)) out.push(piece);
    }
    if (out.length > 0) yield Buffer.concat(out);
  }
}

/** Where the field starting at `from` ends: tabs and line feeds in the data are escaped, so each one ends a field. */
function nextEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== TAB && bytes[at] !== NEWLINE) at += 1;
  return at;
}

function shortField(field: Buffer, width: number): readonly Buffer[] {
  const value = decodeCopyField(field);
  return value === null ? [] : quote(value, width);
}

/** @param width number of columns of the table; if it has none, a row's line is empty */
function quote(value: Buffer, width: number): readonly Buffer[] {
  if (width === 0) return [];
  if (value.length === 0) return [EMPTY_TEXT];
  // Alone on its line, `\.` would end the rows for servers before PostgreSQL 18.
  const needed = needsQuotes(value) || (width === 1 && value.equals(END_MARK));
  return needed ? [QUOTE_BYTES, ...doubleQuotes(value), QUOTE_BYTES] : [value];
}

function needsQuotes(value: Buffer): boolean {
  for (const byte of value) {
    if (byte === COMMA || byte === QUOTE || byte === NEWLINE || byte === RETURN) return true;
  }
  return false;
}

function doubleQuotes(value: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let at = value.indexOf(QUOTE); at >= 0; at = value.indexOf(QUOTE, at + 1)) {
    pieces.push(value.subarray(start, at + 1), QUOTE_BYTES);
    start = at + 1;
  }
  pieces.push(value.subarray(start));
  return pieces;
}
