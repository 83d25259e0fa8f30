import { isIdentifier, sqlWords, unquote } from './sql-words.ts';
import { qualifiedName } from './tokens.ts';

/** Steps through the words of one statement. */
export interface WordReader {
  /** Consumes these keywords if they come next. */
  takes(...keywords: readonly string[]): boolean;
  identifier(): string | undefined;
  /** `schema.table` or, in dumps from before PostgreSQL 10.3, `table`, with an empty schema. */
  path(): { readonly schema: string; readonly name: string } | undefined;
  /** The same as one string. */
  name(): string | undefined;
  /** Consumes `(a, b)`. */
  list(): boolean;
  /**
   * Skips to this keyword and consumes it; with `last`, to its last occurrence in the statement; with `outside`, to the
   * next one that is not within parentheses.
   */
  skipsTo(keyword: string, which?: 'next' | 'last' | 'outside'): boolean;
}

/** Reads a short statement from its first word on; the result is undefined or false if something else comes next. */
export function readWords(sql: string): WordReader {
  const words = sqlWords(sql);
  let at = 0;
  return {
    takes(...keywords) {
      const matches = keywords.every((keyword, step) => words[at + step]?.toLowerCase() === keyword);
      if (matches) at += keywords.length;
      return matches;
    },
    identifier() {
      const word = words[at];
      if (!isIdentifier(word)) return undefined;
      at += 1;
      return unquote(word);
    },
    path() {
      const first = this.identifier();
      if (first === undefined) return undefined;
      if (words[at] !== '.') return { schema: '', name: first };
      at += 1;
      const second = this.identifier();
      return second === undefined ? undefined : { schema: first, name: second };
    },
    name() {
      const path = this.path();
      return path === undefined ? undefined : qualifiedName(path);
    },
    list() {
      if (words[at] !== '(') return false;
      const end = words.indexOf(')', at);
      if (end < 0) return false;
      at = end + 1;
      return true;
    },
    skipsTo(keyword, which = 'next') {
      let depth = 0;
      const isKeyword = (word: string, index: number) => {
        if (index < at) return false;
        if (which === 'outside' && word === '(') depth += 1;
        if (which === 'outside' && word === ')') depth -= 1;
        return depth === 0 && word.toLowerCase() === keyword;
      };
      const found = which === 'last' ? words.findLastIndex(isKeyword) : words.findIndex(isKeyword);
      if (found < 0) return false;
      at = found + 1;
      return true;
    },
  };
}
