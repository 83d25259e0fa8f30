const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const NULL_MARK = 0x4e;
const HEX_MARK = 0x78;

/**
 * Control characters by their letter after a backslash (manual, COPY, "Text Format"); any other letter means itself.
 */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }).map(([letter, code]) => [
    letter.charCodeAt(0),
    code,
  ]),
);

/** The longest escape, as in `\x4a` and `\112`. */
const ESCAPE_BYTES = 4;

/** Splits COPY's text format into rows, without their line ends; those that end in one chunk come together. */
export async function* copyLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  for await (const block of copyBlocks(chunks)) yield splitLines(block);
}

/**
 * Splits COPY's text format into blocks of whole rows, each with its line end; the rows that end in one chunk form
 * one block.
 */
export async function* copyBlocks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  for await (const chunk of chunks) {
    // A line feed in the data is written as `\n`, so every literal one ends a row.
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const whole = chunk.subarray(0, end);
      yield begun.length === 0 ? whole : Buffer.concat([...begun, whole]);
      begun = [];
    }
    if (end < chunk.length) begun.push(chunk.subarray(end));
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}

/** The rows of a block, without their line ends. */
export function splitLines(block: Buffer): Buffer[] {
  return [...linesFrom(block, 0)];
}

/** How many rows a block has. */
export function countLines(block: Buffer): number {
  let lines = 0;
  for (let start = 0; start < block.length; start = lineEnd(block, start) + 1) lines += 1;
  return lines;
}

/** The rows of a block from row `index` on, counted from 0. */
export function* linesFrom(block: Buffer, index: number): Generator<Buffer, void> {
  let start = 0;
  for (let passed = 0; passed < index; passed++) start = lineEnd(block, start) + 1;
  while (start < block.length) {
    const end = lineEnd(block, start);
    yield block.subarray(start, end);
    start = end + 1;
  }
}

function lineEnd(block: Buffer, start: number): number {
  const end = block.indexOf(NEWLINE, start);
  return end < 0 ? block.length : end;
}

/** The value of one field of a row as the database has it; null for `\N`. */
export function decodeCopyField(field: Buffer): Buffer | null {
  if (field.length === 2 && field[0] === BACKSLASH && field[1] === NULL_MARK) return null;
  return decodeCopyPiece(field, true).value;
}

/**
 * The same for a non-null field that comes in pieces.
 *
 * @param final the field ends with this piece
 * @returns the value so far, and how many bytes were consumed: fewer than all if the piece may end within an escape,
 * which must then be passed again with what follows
 */
export function decodeCopyPiece(piece: Buffer, final: boolean): { value: Buffer; taken: number } {
  const first = piece.indexOf(BACKSLASH);
  if (first < 0) return { value: piece, taken: piece.length };
  const value = Buffer.allocUnsafe(piece.length);
  let length = piece.copy(value, 0, 0, first);
  let at = first;
  while (at < piece.length) {
    if (piece[at] !== BACKSLASH) {
      value[length] = piece[at] as number;
      at += 1;
    } else {
      if (!final && at + ESCAPE_BYTES > piece.length) break;
      const { byte, size } = readEscape(piece, at);
      value[length] = byte;
      at += size;
    }
    length += 1;
  }
  return { value: value.subarray(0, length), taken: at };
}

/** The byte that the escape at `at` represents, and the escape's length. */
function readEscape(bytes: Buffer, at: number): { readonly byte: number; readonly size: number } {
  const [, next] = bytes.subarray(at, at + 2);
  if (next === undefined) return { byte: BACKSLASH, size: 1 };
  // pg_dump writes no numeric escapes, but the format has them.
  if (next !== HEX_MARK && (next < 0x30 || next > 0x37)) return { byte: ESCAPES.get(next) ?? next, size: 2 };
  const number = /^\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3}))/.exec(
    bytes.toString('latin1', at, at + ESCAPE_BYTES),
  );
  if (number === null) return { byte: next, size: 2 };
  const [text, hex, octal = ''] = number;
  return { byte: Number.parseInt(hex ?? octal, hex === undefined ? 8 : 16) & 0xff, size: text.length };
}
