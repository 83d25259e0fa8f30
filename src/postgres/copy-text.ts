const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const NULL_MARK = 0x4e;

/** What stands for a control character after a backslash (manual, COPY, "Text Format"); any other stands for itself. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }).map(([letter, code]) => [
    letter.charCodeAt(0),
    code,
  ]),
);

/** Cuts COPY's text format into rows, without their line ends; those that end in one chunk come together. */
export async function* copyLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let begun: Buffer[] = [];
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let start = 0;
    // A line feed of the data is written as `\n`, so each one that stands there ends a row.
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end);
      lines.push(begun.length === 0 ? line : Buffer.concat([...begun, line]));
      begun = [];
      start = end + 1;
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (begun.length > 0) yield [Buffer.concat(begun)];
}

/** The value of one field of a row as it is in the database; null for `\N`. */
export function decodeCopyField(field: Buffer): Buffer | null {
  const first = field.indexOf(BACKSLASH);
  if (first < 0) return field;
  if (field.length === 2 && field[1] === NULL_MARK) return null;
  const value = Buffer.allocUnsafe(field.length);
  let length = field.copy(value, 0, 0, first);
  for (let at = first; at < field.length; at++) {
    let byte = field[at] ?? 0;
    if (byte === BACKSLASH && at + 1 < field.length) {
      at += 1;
      const escaped = field[at] ?? 0;
      byte = ESCAPES.get(escaped) ?? escaped;
    }
    value[length] = byte;
    length += 1;
  }
  return value.subarray(0, length);
}
