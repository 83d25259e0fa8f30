import { isDigit, isSpace, isWordByte } from './sql-bytes.ts';

/** ASCII codes of what SQL's lexical structure knows (manual §4.1). */
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Longer than any word that matters here; longer ones are cut. */
const WORD_LIMIT = 12;

/** A longer tag is none that pg_dump writes. */
const TAG_LIMIT = 256;

type Mode =
  | 'sql'
  | 'string'
  | 'escape-string'
  | 'after-escape-string'
  | 'identifier'
  | 'dollar-tag'
  | 'dollar-body'
  | 'line-comment'
  | 'block-comment';

export type LexerResult =
  /** Index after the closing semicolon. */
  | { readonly state: 'ended'; readonly at: number }
  /** Index of a backslash outside all quotes: a command of psql, never part of a statement. */
  | { readonly state: 'backslash'; readonly at: number }
  /** More bytes are needed; what lies before this index has been read. */
  | { readonly state: 'more'; readonly at: number };

/** Finds where a statement ends. It keeps its place between calls and starts afresh after `ended`. */
export interface StatementLexer {
  read(buffer: Buffer, from: number): LexerResult;
  /** Plain strings know backslash escapes: `standard_conforming_strings` is off. */
  escapesInStrings: boolean;
}

/**
 * A semicolon ends a statement unless it stands in a string, a quoted identifier, a dollar quote, a comment,
 * parentheses, or the body `BEGIN ATOMIC … END` of a function.
 */
export function createStatementLexer(): StatementLexer {
  let mode: Mode = 'sql';
  let word = '';
  /** The word before, if nothing but blank space and comments stands between. */
  let previous = '';
  let tag = '';
  /** A line feed was seen behind an escape string. */
  let newLine = false;
  let parentheses = 0;
  let comments = 0;
  let bodies = 0;
  /** The statement's first words, as far as they tell whether it creates a function. */
  let head: string[] = [];

  function reset(): void {
    mode = 'sql';
    word = '';
    previous = '';
    tag = '';
    parentheses = 0;
    comments = 0;
    bodies = 0;
    head = [];
  }

  function createsFunction(): boolean {
    const words = head.filter((known) => known !== 'or' && known !== 'replace');
    return words[0] === 'create' && (words[1] === 'function' || words[1] === 'procedure');
  }

  function endWord(): void {
    if (word === '') return;
    const before = previous;
    previous = word.toLowerCase();
    word = '';
    if (head.length < 4) head.push(previous);
    if (parentheses > 0) return;
    // `begin` alone may also be a name; a word of the body that needs quotes as a name has them.
    if (previous === 'atomic' && before === 'begin' && createsFunction()) bodies += 1;
    else if (bodies > 0 && previous === 'case') bodies += 1;
    else if (bodies > 0 && previous === 'end') bodies -= 1;
  }

  const lexer: StatementLexer = {
    escapesInStrings: false,
    read(buffer, from) {
      const { length } = buffer;
      let at = from;
      while (at < length) {
        switch (mode) {
          case 'sql': {
            const byte = buffer[at] as number;
            if (isWordByte(byte) || (byte === DOLLAR && word !== '')) {
              if (word.length < WORD_LIMIT) word += String.fromCharCode(byte);
              at += 1;
              break;
            }
            const prefix = word;
            endWord();
            if (isSpace(byte)) {
              at += 1;
              break;
            }
            if (byte === DASH || byte === SLASH) {
              if (at + 1 === length) {
                return { state: 'more', at };
              }
              const next = buffer[at + 1];
              if (byte === DASH && next === DASH) mode = 'line-comment';
              else if (byte === SLASH && next === STAR) {
                mode = 'block-comment';
                comments = 1;
              } else {
                previous = '';
                at += 1;
                break;
              }
              at += 2;
              break;
            }
            previous = '';
            at += 1;
            if (byte === QUOTE) {
              mode = lexer.escapesInStrings || prefix === 'E' || prefix === 'e' ? 'escape-string' : 'string';
            } else if (byte === DOUBLE_QUOTE) mode = 'identifier';
            else if (byte === DOLLAR) {
              mode = 'dollar-tag';
              tag = '$';
            } else if (byte === OPEN) parentheses += 1;
            else if (byte === CLOSE) parentheses = Math.max(0, parentheses - 1);
            else if (byte === BACKSLASH) return { state: 'backslash', at: at - 1 };
            else if (byte === SEMICOLON && parentheses === 0 && bodies === 0) {
              reset();
              return { state: 'ended', at };
            }
            break;
          }
          case 'string':
          case 'identifier': {
            const close = buffer.indexOf(mode === 'string' ? QUOTE : DOUBLE_QUOTE, at);
            if (close < 0) return { state: 'more', at: length };
            at = close + 1;
            mode = 'sql';
            break;
          }
          case 'escape-string': {
            const byte = buffer[at];
            if (byte === BACKSLASH) {
              if (at + 1 === length) return { state: 'more', at };
              at += 2;
              break;
            }
            at += 1;
            if (byte === QUOTE) {
              // A doubled quote goes on as an escape string, not as a plain one.
              if (at === length) return { state: 'more', at: at - 1 };
              if (buffer[at] === QUOTE) at += 1;
              else {
                mode = 'after-escape-string';
                newLine = false;
              }
            }
            break;
          }
          case 'after-escape-string': {
            // Strings on lines of their own are one, of the kind of the first (manual §4.1.2.1).
            const byte = buffer[at] as number;
            if (isSpace(byte)) {
              newLine ||= byte === NEWLINE || byte === RETURN;
              at += 1;
            } else if (newLine && byte === QUOTE) {
              mode = 'escape-string';
              at += 1;
            } else mode = 'sql';
            break;
          }
          case 'dollar-tag': {
            const byte = buffer[at] as number;
            if (byte === DOLLAR) {
              tag += '$';
              mode = 'dollar-body';
              at += 1;
            } else if (isWordByte(byte) && !(tag === '$' && isDigit(byte)) && tag.length < TAG_LIMIT) {
              tag += String.fromCharCode(byte);
              at += 1;
            } else mode = 'sql';
            break;
          }
          case 'dollar-body': {
            const close = buffer.indexOf(tag, at, 'latin1');
            if (close < 0) return { state: 'more', at: Math.max(at, length - tag.length + 1) };
            at = close + tag.length;
            mode = 'sql';
            break;
          }
          case 'line-comment': {
            const end = buffer.indexOf(NEWLINE, at);
            if (end < 0) return { state: 'more', at: length };
            at = end + 1;
            mode = 'sql';
            break;
          }
          case 'block-comment': {
            if (at + 1 === length) return { state: 'more', at };
            const pair = ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
            if (pair === ((STAR << 8) | SLASH)) {
              at += 2;
              comments -= 1;
              if (comments === 0) mode = 'sql';
            } else if (pair === ((SLASH << 8) | STAR)) {
              at += 2;
              comments += 1;
            } else at += 1;
            break;
          }
        }
      }
      return { state: 'more', at };
    },
  };
  return lexer;
}
