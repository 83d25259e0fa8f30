const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const END_MARK = Buffer.from('\n\\.');

/** Bytes that are held back because they may be the start of the closing line `\.`. */
const HELD = [Buffer.alloc(0), Buffer.from('\\'), Buffer.from('\\.'), Buffer.from('\\.\r')] as const;

interface CopyBytes {
  /** Row bytes in order; the first may have been held back from the previous chunk. */
  readonly rows: readonly Buffer[];
  /** Index after the closing line; undefined if more bytes are needed (all of the buffer was then consumed). */
  readonly end: number | undefined;
  /** Bytes of the closing line, which may have begun in the previous chunk; undefined if `end` is. */
  readonly mark: Buffer | undefined;
}

/** Finds the line `\.` that closes the rows of one COPY block (manual, COPY, "Text Format"). */
interface CopyLexer {
  read(buffer: Buffer, from: number): CopyBytes;
}

/**
 * In COPY's text format a backslash in the data is doubled, so `\.` at the start of a line can only be the end,
 * whatever the rows contain.
 */
export function createCopyLexer(): CopyLexer {
  /** How many bytes of `\.` (or `\.` and a carriage return) at a line start ended the previous chunk. */
  let held: 0 | 1 | 2 | 3 = 0;
  let lineStart = true;

  return {
    read(buffer, from) {
      const rows: Buffer[] = [];
      let at = from;
      while (at < buffer.length && lineStart) {
        const byte = buffer[at];
        if (held === 0 && byte === BACKSLASH) held = 1;
        else if (held === 1 && byte === DOT) held = 2;
        else if (held === 2 && byte === RETURN) held = 3;
        else if (held >= 2 && byte === NEWLINE) {
          return { rows, end: at + 1, mark: Buffer.concat([HELD[held], Buffer.from('\n')]) };
        } else {
          if (held > 0) rows.push(HELD[held]);
          held = 0;
          lineStart = false;
          break;
        }
        at += 1;
      }
      if (at === buffer.length) return { rows, end: undefined, mark: undefined };

      const start = at;
      for (;;) {
        const mark = buffer.indexOf(END_MARK, at);
        if (mark < 0) {
          // The search needs all three bytes, but the closing line may begin at the very end of the buffer.
          const cut =
            buffer[buffer.length - 1] === NEWLINE
              ? buffer.length
              : buffer[buffer.length - 2] === NEWLINE &&
                  buffer[buffer.length - 1] === BACKSLASH &&
                  buffer.length - 2 >= start
                ? buffer.length - 1
                : undefined;
          if (cut !== undefined) {
            lineStart = true;
            held = cut === buffer.length ? 0 : 1;
          }
          rows.push(buffer.subarray(start, cut ?? buffer.length));
          return { rows, end: undefined, mark: undefined };
        }
        const line = mark + 1;
        const after = buffer[line + 2] === RETURN ? line + 3 : line + 2;
        if (buffer[after] === NEWLINE) {
          rows.push(buffer.subarray(start, line));
          return { rows, end: after + 1, mark: buffer.subarray(line, after + 1) };
        }
        if (after >= buffer.length) {
          lineStart = true;
          held = after - line === 3 ? 3 : 2;
          rows.push(buffer.subarray(start, line));
          return { rows, end: undefined, mark: undefined };
        }
        at = line + 1;
      }
    },
  };
}
