import { parseCopy } from './copy-statement.ts';
import type { DumpErrors } from './dump-errors.ts';
import type { DumpWindow } from './dump-window.ts';
import { createStatementLexer } from './statement-lexer.ts';
import type { TextSettings } from './text-settings.ts';
import type { CopyStart, DumpPosition, DumpToken, Statement } from './tokens.ts';

/** The server accepts no longer statement (MaxAllocSize, 1 GiB). */
const LONGEST_STATEMENT = 2 ** 30;

/**
 * How much of a statement is held if only its beginning is needed, in bytes. The longest COPY that pg_dump writes, of
 * 1,600 columns, takes up a fifth of it.
 */
export const STATEMENT_HEAD = 1024 ** 2;

/**
 * How much of a statement its token holds: all of it, at most 1 GiB, or its first {@link STATEMENT_HEAD} bytes, so
 * that no dump needs much more memory than that.
 */
export type StatementsAs = 'whole' | 'heads';

/** Reads one statement after another, each of which may span many chunks. */
interface StatementReader {
  /** Starts on the statement at this position. */
  open(at: DumpPosition): void;
  /**
   * Reads on, and gives out the statement's text once its end is reached.
   *
   * @returns its token, in which the offset of a COPY is that of the statement; undefined if more bytes are needed
   * @throws DumpError for what pg_dump does not write
   */
  read(final: boolean): Generator<DumpToken, Statement | CopyStart | undefined>;
  /** Gives out what was read of a statement that is too long to hold. */
  letGo(): Generator<DumpToken, void>;
  /** The line on which the statement begins. */
  readonly line: number;
}

/**
 * A reader of the statements that begin in the window.
 *
 * @param textSettings say how strings and names are to be read at this point
 * @param errors makes the errors for what pg_dump does not write
 */
export function createStatementReader(
  window: DumpWindow,
  textSettings: TextSettings,
  { damaged }: DumpErrors,
  statementsAs: StatementsAs,
): StatementReader {
  const lexer = createStatementLexer();
  const most = statementsAs === 'whole' ? LONGEST_STATEMENT : STATEMENT_HEAD;
  let at: DumpPosition = { offset: 0, line: 1, entry: undefined };
  /** The beginning of a statement that is too long to hold. */
  let head: Buffer | undefined;

  function backslash(final: boolean): undefined {
    const end = window.lineEnd(final);
    if (end === undefined) return undefined;
    const line = textSettings.decode(window.bytes.subarray(window.read, end));
    throw damaged(
      `it contains the command ${/^\\\S*/.exec(line)?.[0]} inside the statement at line ${at.line}`,
    );
  }

  function holdHead(from: number): void {
    if (head !== undefined || window.read - from <= most) return;
    if (statementsAs === 'whole') throw damaged(`the statement at line ${at.line} is longer than 1 GiB`);
    head = Buffer.from(window.bytes.subarray(from, from + most));
  }

  return {
    get line() {
      return at.line;
    },
    open(position) {
      at = position;
      head = undefined;
      lexer.escapesInStrings = textSettings.escapesInStrings;
    },
    *read(final) {
      const found = lexer.read(window.bytes, window.read);
      window.read = found.at;
      if (found.state === 'backslash') return backslash(final);
      const from = at.offset - window.offset(0);
      holdHead(from);
      if (found.state === 'more') return undefined;
      const sql = head ?? window.bytes.subarray(from, found.at);
      const target = head === undefined && isCopy(sql) ? parseCopy(textSettings.decode(sql)) : undefined;
      yield* window.text(found.at);
      // The rows may begin in a later chunk, when the view is no longer valid.
      if (target !== undefined) return { type: 'copy-start', sql: Buffer.from(sql), ...target, ...at };
      textSettings.obey(sql);
      return { type: 'statement', sql, ...at };
    },
    *letGo() {
      if (head !== undefined) yield* window.text(window.read);
    },
  };
}

function isCopy(sql: Buffer): boolean {
  return /^copy\s$/i.test(sql.toString('latin1', 0, 5));
}
