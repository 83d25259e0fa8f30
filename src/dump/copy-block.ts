import { createCopyLexer } from './copy-lexer.ts';
import type { DumpWindow } from './dump-window.ts';
import { countNewlines } from './newlines.ts';
import { type CopyStart, type DumpToken, qualifiedName } from './tokens.ts';

/** The rows of one COPY, from after its statement to the line `\.`. */
export interface CopyBlock {
  /** `public.manager_surface` */
  readonly table: string;
  /** Reads on. @returns whether the end of the rows was reached */
  read(): Generator<DumpToken, boolean>;
  /**
   * Counts all of the rows without reading them.
   *
   * @returns false if it is too late or too early for that: the block is not at its first row
   */
  leaveOut(all: { readonly rows: number; readonly bytes: number }): boolean;
}

/** The block of a COPY statement that the window has read up to its semicolon. */
export function createCopyBlock(window: DumpWindow, start: CopyStart): CopyBlock {
  const lexer = createCopyLexer();
  let begun = false;
  let rows = 0;
  let bytes = 0;

  /** The rows begin on the line after the statement. @returns whether that line was reached */
  function* begin(): Generator<DumpToken, boolean> {
    const end = window.lineEnd(false);
    if (end === undefined) return false;
    window.read = end;
    yield* window.text(end);
    yield { ...start, offset: window.offset(end) };
    return true;
  }

  return {
    table: qualifiedName(start),
    *read() {
      begun ||= yield* begin();
      if (!begun) return false;
      const found = lexer.read(window.bytes, window.read);
      for (const data of found.rows) {
        if (data.length === 0) continue;
        const lines = countNewlines(data);
        rows += lines;
        bytes += data.length;
        window.skip(window.given, lines);
        yield { type: 'copy-rows', data, lines };
      }
      window.read = found.end ?? window.bytes.length;
      window.skip(window.read, found.mark === undefined ? 0 : 1);
      if (found.mark === undefined) return false;
      yield { type: 'copy-end', rows, bytes };
      yield { type: 'text', data: found.mark };
      return true;
    },
    leaveOut(all) {
      if (!begun || bytes > 0 || window.bytes.length > 0) return false;
      rows = all.rows;
      bytes = all.bytes;
      window.leaveOut(bytes, rows);
      return true;
    },
  };
}
