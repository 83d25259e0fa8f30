/**
 * Blank space and comments, quoted identifiers, strings, words, and any other single character. Each alternative
 * begins with another character and ends at the first that it cannot take, so a statement is read in one pass.
 */
const WORD = /\s+|--[^\n]*|(?:"[^"]*")+|(?:'[^']*')+|[^\s"',;().]+|["',;().]/g;

/** The words of a short SQL statement: identifiers and strings with their quotes, words, punctuation one by one. */
export function sqlWords(sql: string): string[] {
  return (sql.match(WORD) ?? []).filter((word) => !/^(?:\s|--)/.test(word));
}

/** Whether a word is an identifier, quoted or not. */
export function isIdentifier(word: string | undefined): word is string {
  return word !== undefined && (word.length > 1 ? !word.startsWith("'") : /[^"',;().]/.test(word));
}

/** An identifier as PostgreSQL's catalogs hold it: without quotes, unquoted ones in lower case. */
export function unquote(identifier: string): string {
  if (identifier.startsWith('"')) return identifier.slice(1, -1).replaceAll('""', '"');
  return identifier.toLowerCase();
}
