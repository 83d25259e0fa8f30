import { isDigit, isSpace, isWordByte } from './sql-bytes.ts';

/** ASCII codes of the characters that matter in SQL's lexical structure (manual §4.1). */
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

/** Longer than any word that matters here; longer words are truncated. */
const WORD_LIMIT = 12;

/** pg_dump writes no longer tag. */
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

type LexerResult =
  /** Index after the closing semicolon. */
  | { readonly state: 'ended'; readonly at: number }
  /** Index of a backslash outside all quotes: a command of psql, never part of a statement. */
  | { readonly state: 'backslash'; readonly at: number }
  /** More bytes are needed; everything before this index has been read. */
  | { readonly state: 'more'; readonly at: number };

/** The index up to which the bytes were read, unless there is more to say. */
type Read = number | LexerResult;

/** Finds the end of a statement. It keeps its state between calls and starts over after `ended`. */
interface StatementLexer {
  read(buffer: Buffer, from: number): LexerResult;
  /** Whether plain strings have backslash escapes: `standard_conforming_strings` is off. */
  escapesInStrings: boolean;
}

/**
 * A semicolon ends a statement unless it is in a string, a quoted identifier, a dollar quote, a comment, parentheses,
 * or the body `BEGIN ATOMIC … END` of a function.
 */
export function createStatementLexer(): StatementLexer {
  let mode: Mode = 'sql';
  let word = '';
  /** The previous word, if only white space and comments come between. */
  let previous = '';
  let tag = '';
  /** Whether a line feed was seen after an escape string. */
  let newLine = false;
  let parentheses = 0;
  let comments = 0;
  let bodies = 0;
  /** The statement's first words, as far as they show whether it creates a function. */
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
    // `begin` alone may also be a name; names in the body that are reserved words are quoted.
    if (previous === 'atomic' && before === 'begin' && createsFunction()) bodies += 1;
    else if (bodies > 0 && previous === 'case') bodies += 1;
    else if (bodies > 0 && previous === 'end') bodies -= 1;
  }

  /** Words and white space, up to a character that may open something else or end the statement. */
  function readWords(buffer: Buffer, from: number): Read {
    const { length } = buffer;
    let at = from;
    while (at < length) {
      const byte = buffer[at] as number;
      if (isWordByte(byte) || (byte === DOLLAR && word !== '')) {
        if (word.length < WORD_LIMIT) word += String.fromCharCode(byte);
      } else {
        if (!isSpace(byte)) return readSign(buffer, at, byte);
        endWord();
      }
      at += 1;
    }
    return at;
  }

  /** A byte that is neither white space nor part of a word. */
  function readSign(buffer: Buffer, at: number, byte: number): Read {
    const prefix = word;
    endWord();
    if (byte === DASH || byte === SLASH) return readCommentMark(buffer, at, byte);
    previous = '';
    switch (byte) {
      case QUOTE:
        mode = lexer.escapesInStrings || prefix === 'E' || prefix === 'e' ? 'escape-string' : 'string';
        break;
      case DOUBLE_QUOTE:
        mode = 'identifier';
        break;
      case DOLLAR:
        mode = 'dollar-tag';
        tag = '$';
        break;
      case OPEN:
        parentheses += 1;
        break;
      case CLOSE:
        parentheses = Math.max(0, parentheses - 1);
        break;
      case BACKSLASH:
        return { state: 'backslash', at };
      case SEMICOLON:
        if (parentheses > 0 || bodies > 0) break;
        reset();
        return { state: 'ended', at: at + 1 };
    }
    return at + 1;
  }

  /** A dash or a slash; the byte after it shows whether it begins a comment. */
  function readCommentMark(buffer: Buffer, at: number, byte: number): Read {
    if (at + 1 === buffer.length) return { state: 'more', at };
    const next = buffer[at + 1];
    if (byte === DASH && next === DASH) mode = 'line-comment';
    else if (byte === SLASH && next === STAR) {
      mode = 'block-comment';
      comments = 1;
    } else {
      previous = '';
      return at + 1;
    }
    return at + 2;
  }

  /**
   * A string, an identifier or a line comment, up to the byte that ends it. A doubled quote is treated as the end of
   * one string and the beginning of another.
   */
  function readPast(buffer: Buffer, from: number, last: number): Read {
    const end = buffer.indexOf(last, from);
    if (end < 0) return { state: 'more', at: buffer.length };
    mode = 'sql';
    return end + 1;
  }

  function readEscapeString(buffer: Buffer, from: number): Read {
    const { length } = buffer;
    let at = from;
    while (at < length) {
      const byte = buffer[at];
      // A backslash or a quote cannot be interpreted without the next byte.
      if ((byte === BACKSLASH || byte === QUOTE) && at + 1 === length) return { state: 'more', at };
      if (byte === BACKSLASH) at += 2;
      else if (byte !== QUOTE) at += 1;
      // A doubled quote goes on as an escape string, not as a plain one.
      else if (buffer[at + 1] === QUOTE) at += 2;
      else {
        mode = 'after-escape-string';
        newLine = false;
        return at + 1;
      }
    }
    return at;
  }

  /** Strings on consecutive lines are one string, of the kind of the first (manual §4.1.2.1). */
  function readAfterEscapeString(buffer: Buffer, from: number): Read {
    const { length } = buffer;
    let at = from;
    while (at < length) {
      const byte = buffer[at] as number;
      if (!isSpace(byte)) {
        const goesOn = newLine && byte === QUOTE;
        mode = goesOn ? 'escape-string' : 'sql';
        return goesOn ? at + 1 : at;
      }
      newLine ||= byte === NEWLINE || byte === RETURN;
      at += 1;
    }
    return at;
  }

  function readDollarTag(buffer: Buffer, from: number): Read {
    const { length } = buffer;
    let at = from;
    while (at < length) {
      const byte = buffer[at] as number;
      if (byte === DOLLAR) {
        tag += '$';
        mode = 'dollar-body';
        return at + 1;
      }
      if (!isWordByte(byte) || (tag === '$' && isDigit(byte)) || tag.length >= TAG_LIMIT) {
        mode = 'sql';
        return at;
      }
      tag += String.fromCharCode(byte);
      at += 1;
    }
    return at;
  }

  function readDollarBody(buffer: Buffer, from: number): Read {
    const close = buffer.indexOf(tag, from, 'latin1');
    if (close < 0) return { state: 'more', at: Math.max(from, buffer.length - tag.length + 1) };
    mode = 'sql';
    return close + tag.length;
  }

  /** Comments may be nested. */
  function readBlockComment(buffer: Buffer, from: number): Read {
    const { length } = buffer;
    let at = from;
    while (at < length) {
      if (at + 1 === length) return { state: 'more', at };
      const pair = ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
      if (pair === ((STAR << 8) | SLASH)) {
        at += 2;
        comments -= 1;
        if (comments > 0) continue;
        mode = 'sql';
        return at;
      }
      if (pair === ((SLASH << 8) | STAR)) {
        at += 2;
        comments += 1;
      } else at += 1;
    }
    return at;
  }

  function readOn(buffer: Buffer, at: number): Read {
    switch (mode) {
      case 'sql':
        return readWords(buffer, at);
      case 'string':
        return readPast(buffer, at, QUOTE);
      case 'identifier':
        return readPast(buffer, at, DOUBLE_QUOTE);
      case 'escape-string':
        return readEscapeString(buffer, at);
      case 'after-escape-string':
        return readAfterEscapeString(buffer, at);
      case 'dollar-tag':
        return readDollarTag(buffer, at);
      case 'dollar-body':
        return readDollarBody(buffer, at);
      case 'line-comment':
        return readPast(buffer, at, NEWLINE);
      case 'block-comment':
        return readBlockComment(buffer, at);
    }
  }

  const lexer: StatementLexer = {
    escapesInStrings: false,
    read(buffer, from) {
      let at = from;
      while (at < buffer.length) {
        const read = readOn(buffer, at);
        if (typeof read !== 'number') return read;
        at = read;
      }
      return { state: 'more', at };
    },
  };
  return lexer;
}
