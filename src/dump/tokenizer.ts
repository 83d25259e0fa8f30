import { type CommentReader, createCommentReader } from './comment-reader.ts';
import { type CopyBlock, createCopyBlock } from './copy-block.ts';
import { dumpErrors } from './dump-errors.ts';
import { FORM_BYTES } from './dump-form.ts';
import type { DumpTable } from './dump-index.ts';
import { createDumpWindow } from './dump-window.ts';
import { otherThanPlain } from './other-than-plain.ts';
import { isSpace } from './sql-bytes.ts';
import { createStatementReader, type StatementsAs } from './statement-reader.ts';
import { createTextSettings, type TextSettings } from './text-settings.ts';
import { type DumpPosition, type DumpToken, qualifiedName } from './tokens.ts';

/** pg_dump's header is in the first lines; a file without it by then is not a dump. */
const HEADER_WITHIN = 64 * 1024;
const NO_HEADER = 'it does not begin with pg_dump’s header';

const DASH = 0x2d;
const BACKSLASH = 0x5c;

/** Takes a plain dump in chunks of any size and produces its tokens in order. */
export interface Tokenizer {
  /**
   * The tokens that this chunk completes. Must be iterated to the end before the next call.
   *
   * @throws DumpError as soon as the bytes cannot be a plain dump
   */
  push(chunk: Buffer): Generator<DumpToken, void>;
  /**
   * The tokens of what is left.
   *
   * @throws DumpError if the dump ends early
   */
  end(): Generator<DumpToken, void>;
  /**
   * Counts the rows of a COPY block, which are not pushed. The first row must be what comes next.
   *
   * @throws DumpError if there is no such block here
   */
  leaveOut(table: Pick<DumpTable, 'schema' | 'name' | 'rows' | 'offset' | 'bytes'>): void;
  /** What the comments have said so far. */
  readonly comments: Pick<CommentReader, 'serverVersion' | 'pgDumpVersion'>;
  /** What the statements have said so far. */
  readonly textSettings: Pick<TextSettings, 'encoding' | 'decode'>;
}

/** @param name what the dump is called in errors: `backup/x.sql`, `./dump.sql` */
export function createTokenizer(name: string, statementsAs: StatementsAs = 'heads'): Tokenizer {
  const errors = dumpErrors(name);
  const window = createDumpWindow(errors);
  const textSettings = createTextSettings();
  const comments = createCommentReader();
  const statement = createStatementReader(window, textSettings, errors, statementsAs);
  let mode: 'between' | 'statement' | 'copy' = 'between';
  let copy: CopyBlock | undefined;

  function position(): DumpPosition {
    return { offset: window.offset(window.read), line: window.line(window.read), entry: comments.entry };
  }

  /** Reads white space and comment lines. @returns whether anything else was reached */
  function* between(final: boolean): Generator<DumpToken, boolean> {
    const { bytes } = window;
    while (window.read < bytes.length) {
      const at = window.read;
      if (isSpace(bytes[at] as number)) {
        window.read += 1;
        continue;
      }
      if (bytes[at] !== DASH) return true;
      if (at + 1 === bytes.length) return final;
      if (bytes[at + 1] !== DASH) return true;
      const end = window.lineEnd(final);
      if (end === undefined) return false;
      yield* comment(at, end);
      window.read = end;
    }
    return false;
  }

  function* comment(from: number, to: number): Generator<DumpToken, void> {
    const { bytes } = window;
    if (!comments.seenHeader && window.offset(from) > HEADER_WITHIN) throw errors.noDump(NO_HEADER);
    const told = comments.read(textSettings.decode(bytes.subarray(from, to)).trimEnd());
    if (told === 'cluster') {
      throw errors.unreadable('it contains a whole cluster (pg_dumpall)', 'dump one database with pg_dump');
    }
    if (told !== 'section') return;
    // The entry begins with the line `--` above.
    const above = from - 3;
    const begins = above >= window.given && bytes.toString('latin1', above, from) === '--\n' ? above : from;
    yield* window.text(begins);
    yield { type: 'section', name: comments.section, offset: window.offset(begins) };
  }

  /** Reads a psql command. @returns whether its end was reached */
  function* backslash(final: boolean): Generator<DumpToken, boolean> {
    const end = window.lineEnd(final);
    if (end === undefined) return false;
    const at = position();
    const line = textSettings.decode(window.bytes.subarray(window.read, end)).trimEnd();
    const command = /^\\\S*/.exec(line)?.[0] ?? '\\';
    window.read = end;
    yield* window.text(end);
    yield {
      type: 'backslash',
      command: command.slice(1),
      argument: line.slice(command.length).trim(),
      ...at,
    };
    return true;
  }

  /** Reads as far as the bytes allow. */
  function* run(final: boolean): Generator<DumpToken, void> {
    for (;;) {
      if (mode === 'between') {
        if (!(yield* between(final))) return;
        if (!comments.seenHeader) throw errors.noDump(NO_HEADER);
        if (window.bytes[window.read] === BACKSLASH) {
          if (!(yield* backslash(final))) return;
          continue;
        }
        statement.open(position());
        mode = 'statement';
      } else if (mode === 'statement') {
        const found = yield* statement.read(final);
        if (found === undefined) return;
        if (found.type === 'copy-start') {
          copy = createCopyBlock(window, found);
          mode = 'copy';
        } else {
          mode = 'between';
          yield found;
        }
      } else {
        if (copy !== undefined && !(yield* copy.read())) return;
        mode = 'between';
      }
    }
  }

  /** Gives out what no later byte can change, and keeps the rest. */
  function* keep(): Generator<DumpToken, void> {
    // The line `--` before an entry may open the next section, so the last bytes between statements are kept.
    if (mode === 'between' && window.read - window.given > HEADER_WITHIN) yield* window.text(window.read - 3);
    if (mode === 'statement') yield* statement.letGo();
    if (!comments.seenHeader && window.offset(window.read) > HEADER_WITHIN) throw errors.noDump(NO_HEADER);
    window.release();
  }

  function whereItEnds(): string {
    if (mode === 'statement') return `it ends inside the statement at line ${statement.line}`;
    if (mode === 'copy') return `it ends inside the rows of ${copy?.table}`;
    return 'it ends without pg_dump’s closing line';
  }

  return {
    comments,
    textSettings,
    *push(chunk) {
      window.add(chunk);
      if (window.offset(0) === 0 && !comments.seenHeader) {
        const other = otherThanPlain(window.bytes);
        if (other !== undefined) throw errors.noDump(other.found, other.remedy);
        // With more bytes, the beginning may still show that the file is not a plain dump.
        if (window.bytes.length < FORM_BYTES) return window.release();
      }
      yield* run(false);
      yield* keep();
    },
    leaveOut(table) {
      const name = qualifiedName(table);
      const stands = window.offset(0) === table.offset && copy?.table === name && mode === 'copy';
      if (stands && copy?.leaveOut(table)) return;
      throw errors.unreadable(`no rows of ${name} begin at byte ${table.offset}`, 'use another backup');
    },
    *end() {
      window.add(Buffer.alloc(0));
      yield* run(true);
      if (window.offset(window.bytes.length) === 0) throw errors.noDump('it is empty');
      if (!comments.seenHeader) throw errors.noDump(NO_HEADER);
      if (mode !== 'between' || !comments.complete) {
        throw errors.unreadable(whereItEnds(), 'use a complete dump');
      }
      yield* window.text(window.bytes.length);
    },
  };
}
