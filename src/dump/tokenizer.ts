import { type CommentReader, createCommentReader } from './comment-reader.ts';
import { createCopyLexer } from './copy-lexer.ts';
import { parseCopy } from './copy-statement.ts';
import { createGrowingBuffer } from './growing-buffer.ts';
import { countNewlines } from './newlines.ts';
import { dumpFaults, otherThanPlain } from './no-dump.ts';
import { createStatementLexer } from './statement-lexer.ts';
import type { DumpPosition, DumpToken } from './tokens.ts';

/** The server takes no longer statement (MaxAllocSize, 1 GiB). */
const LONGEST_STATEMENT = 2 ** 30;

/** pg_dump's header stands in the first lines; what has none by then is no dump. */
const HEADER_WITHIN = 64 * 1024;

/** Bytes by which other forms of a dump are known. */
const FORM_BYTES = 5;

const TAKE_ANOTHER = 'take another dump; this one is not as pg_dump wrote it';

const NEWLINE = 0x0a;
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]);

/** Takes a plain dump in chunks of any size and gives its tokens in order. */
export interface Tokenizer {
  /**
   * The tokens that this chunk completes. The result has to be run through to its end before the next call.
   *
   * @throws DumpError as soon as the bytes cannot be a plain dump
   */
  push(chunk: Buffer): Generator<DumpToken, void>;
  /**
   * The tokens of what is left.
   *
   * @throws DumpError when the dump ends early
   */
  end(): Generator<DumpToken, void>;
  /** What the comments told so far. */
  readonly comments: Pick<CommentReader, 'serverVersion' | 'pgDumpVersion'>;
}

/** @param name what the dump is called in errors: `backup/x.sql`, `./dump.sql` */
export function createTokenizer(name: string): Tokenizer {
  const pending = createGrowingBuffer();
  const statements = createStatementLexer();
  const comments = createCommentReader();
  const { fault, noDump } = dumpFaults(name);
  let mode: 'between' | 'statement' | 'copy-open' | 'copy' = 'between';
  let copy = createCopyLexer();
  let table = '';
  let rows = 0;
  let rowBytes = 0;

  /** The buffer that is read, the dump's offset and line of its first byte, and three places in it. */
  let buffer: Buffer = Buffer.alloc(0);
  let base = 0;
  let line = 1;
  /** Bytes before it were given out as tokens. */
  let given = 0;
  /** Bytes before it were read. */
  let read = 0;
  /** Where the statement that is being read begins. */
  let start = 0;
  /** Bytes before it hold no end of the comment line that is being read. */
  let searched = 0;
  let copyStatement: Omit<Extract<DumpToken, { type: 'copy-start' }>, 'type'> | undefined;

  function whereItEnds(): string {
    if (mode === 'statement') return `it ends inside the statement at line ${position(start).line}`;
    if (mode === 'between') return 'it ends without pg_dump’s closing line';
    return `it ends inside the rows of ${table}`;
  }

  function* text(upTo: number): Generator<DumpToken, void> {
    if (upTo === given) return;
    const data = buffer.subarray(given, upTo);
    if (data.includes(0)) throw fault(`a null byte stands at line ${line} or below`, TAKE_ANOTHER);
    line += countNewlines(data);
    given = upTo;
    yield { type: 'text', data };
  }

  function position(at: number): DumpPosition {
    return {
      offset: base + at,
      line: line + countNewlines(buffer.subarray(given, at)),
      entry: comments.entry,
    };
  }

  /** Reads blank space and comment lines; leaves `read` at the first byte of what follows, or where bytes lack. */
  function* between(final: boolean): Generator<DumpToken, boolean> {
    while (read < buffer.length) {
      const byte = buffer[read] as number;
      if (SPACES.has(byte)) {
        read += 1;
        continue;
      }
      if (byte !== 0x2d) break;
      if (read + 1 === buffer.length) return false;
      if (buffer[read + 1] !== 0x2d) break;
      const found = buffer.indexOf(NEWLINE, Math.max(read, searched));
      if (found < 0 && !final) {
        searched = buffer.length;
        return false;
      }
      const lineEnd = found < 0 ? buffer.length : found;
      yield* comment(read, lineEnd);
      read = Math.min(lineEnd + 1, buffer.length);
    }
    return read < buffer.length;
  }

  function* comment(from: number, to: number): Generator<DumpToken, void> {
    const told = comments.read(buffer.toString('utf8', from, to).trimEnd());
    if (told === 'cluster')
      throw fault('it holds a whole cluster (pg_dumpall)', 'dump one database with pg_dump');
    if (told !== 'section') return;
    // The entry begins with the line `--` above.
    const above = from - 3;
    const begins = above >= given && buffer.toString('latin1', above, from) === '--\n' ? above : from;
    yield* text(begins);
    yield { type: 'section', name: comments.section, offset: base + begins };
  }

  function* statement(end: number): Generator<DumpToken, void> {
    const sql = buffer.subarray(start, end);
    const at = position(start);
    const target =
      sql.length > 5 && /^copy\s/i.test(sql.toString('latin1', 0, 5)) ? parseCopy(sql.toString()) : undefined;
    yield* text(end);
    mode = 'between';
    if (target === undefined) {
      statements.escapesInStrings = stringEscapes(sql) ?? statements.escapesInStrings;
      yield { type: 'statement', sql, ...at };
      return;
    }
    mode = 'copy-open';
    // The rows may begin in a later chunk, when the view holds no longer.
    copyStatement = { sql: Buffer.from(sql), ...target, ...at };
    table = target.schema === '' ? target.name : `${target.schema}.${target.name}`;
  }

  function* backslash(final: boolean): Generator<DumpToken, boolean> {
    const lineEnd = buffer.indexOf(NEWLINE, read);
    if (lineEnd < 0 && !final) return false;
    const end = lineEnd < 0 ? buffer.length : lineEnd + 1;
    const words = /^\\(\S*)\s*(.*?)\s*$/s.exec(buffer.toString('utf8', read, end));
    const at = position(read);
    yield* text(end);
    read = end;
    yield { type: 'backslash', command: words?.[1] ?? '', argument: words?.[2] ?? '', ...at };
    return true;
  }

  function* copyRows(): Generator<DumpToken, void> {
    const found = copy.read(buffer, read);
    for (const data of found.rows) {
      if (data.length === 0) continue;
      const lines = countNewlines(data);
      rows += lines;
      line += lines;
      rowBytes += data.length;
      yield { type: 'copy-rows', data, lines };
    }
    read = found.end ?? buffer.length;
    given = read;
    if (found.mark === undefined) return;
    yield { type: 'copy-end', rows, bytes: rowBytes };
    line += 1;
    yield { type: 'text', data: found.mark };
    mode = 'between';
  }

  /** Reads as far as the buffer goes. */
  function* run(final: boolean): Generator<DumpToken, void> {
    for (;;) {
      if (mode === 'copy') {
        if (read === buffer.length) return;
        yield* copyRows();
        continue;
      }
      if (mode === 'copy-open') {
        const lineEnd = buffer.indexOf(NEWLINE, read);
        if (lineEnd < 0) return;
        read = lineEnd + 1;
        yield* text(read);
        if (copyStatement !== undefined) yield { type: 'copy-start', ...copyStatement, offset: base + read };
        mode = 'copy';
        copy = createCopyLexer();
        rows = 0;
        rowBytes = 0;
        continue;
      }
      if (mode === 'between') {
        if (!(yield* between(final))) return;
        if (!comments.seenHeader) throw noDump('it does not begin with pg_dump’s header');
        if (buffer[read] === 0x5c) {
          if (!(yield* backslash(final))) return;
          continue;
        }
        start = read;
        mode = 'statement';
      }
      const found = statements.read(buffer, read);
      read = found.at;
      if (found.state === 'more') return;
      if (found.state === 'backslash') {
        const lineEnd = buffer.indexOf(NEWLINE, read);
        if (lineEnd < 0 && !final) return;
        const command = commandAt(buffer, read, lineEnd);
        throw fault(
          `it holds the command ${command} inside the statement at line ${position(start).line}`,
          TAKE_ANOTHER,
        );
      }
      yield* statement(found.at);
    }
  }

  /** Gives out what no later byte can change, and keeps the rest. */
  function* keep(): Generator<DumpToken, void> {
    // The line `--` before an entry may open the next section, so the last bytes between statements wait.
    if (mode === 'between' && read - given > HEADER_WITHIN) yield* text(read - 3);
    if (buffer.length - given > LONGEST_STATEMENT) {
      throw fault(`a statement at line ${line} is longer than 1 GiB`, 'take another dump');
    }
    if (!comments.seenHeader && base + buffer.length > HEADER_WITHIN) {
      throw noDump(`its first ${HEADER_WITHIN} bytes hold no header of pg_dump`);
    }
    const shift = given;
    pending.keep(buffer.subarray(shift));
    base += shift;
    read -= shift;
    start -= shift;
    searched = Math.max(0, searched - shift);
    given = 0;
  }

  return {
    comments,
    *push(chunk) {
      buffer = pending.isEmpty() ? chunk : pending.append(chunk);
      // The first bytes tell what a file is that is no plain dump.
      if (base === 0 && buffer.length < FORM_BYTES) return pending.keep(buffer);
      const other = base === 0 && !comments.seenHeader ? otherThanPlain(buffer) : undefined;
      if (other !== undefined) throw noDump(other);
      yield* run(false);
      yield* keep();
    },
    *end() {
      buffer = pending.append(Buffer.alloc(0));
      yield* run(true);
      if (base + buffer.length === 0) throw noDump('it is empty');
      if (!comments.seenHeader) throw noDump('it does not begin with pg_dump’s header');
      if (mode !== 'between' || !comments.complete) throw fault(whereItEnds(), 'take a dump that is whole');
      yield* text(buffer.length);
    },
  };
}

/** What `SET standard_conforming_strings` says of backslashes in plain strings; undefined for any other statement. */
function stringEscapes(sql: Buffer): boolean | undefined {
  if (sql.length > 60) return undefined;
  const setting = /^SET standard_conforming_strings\s*(?:=|TO)\s*'?(on|off)'?;$/i.exec(
    sql.toString('latin1'),
  );
  return setting === null ? undefined : setting[1]?.toLowerCase() === 'off';
}

function commandAt(buffer: Buffer, start: number, lineEnd: number): string {
  const line = buffer.toString('utf8', start, lineEnd < 0 ? buffer.length : lineEnd);
  return /^\\\S*/.exec(line)?.[0] ?? '\\';
}
