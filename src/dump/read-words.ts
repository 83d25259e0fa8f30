import { isIdentifier, sqlWords, unquote } from './sql-words.ts';
import { qualifiedName } from './tokens.ts';

/** Goes through the words of one statement. */
export interface WordReader {
  /** Passes over these keywords, if they are what comes next. */
  takes(...keywords: readonly string[]): boolean;
  identifier(): string | undefined;
  /** `schema.table` or, in dumps from before PostgreSQL 10.3, `table`, whose schema is then empty. */
  path(): { readonly schema: string; readonly name: string } | undefined;
  /** The same in one. */
  name(): string | undefined;
  /** Passes over `(a, b)`. */
  list(): boolean;
  /** Passes over everything up to this keyword, and over it; the last of the statement where `last` is said. */
  skipsTo(keyword: string, which?: 'next' | 'last'): boolean;
}

/** Reads a short statement from its first word on; what is asked for and does not come next is undefined or false. */
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
      const isKeyword = (word: string, index: number) => index >= at && word.toLowerCase() === keyword;
      const found = which === 'next' ? words.findIndex(isKeyword) : words.findLastIndex(isKeyword);
      if (found < 0) return false;
      at = found + 1;
      return true;
    },
  };
}
