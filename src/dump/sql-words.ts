/**
 * White space and comments, quoted identifiers, strings, words, and any other single character. Each alternative
 * begins with a different character and ends at the first that it cannot match, so a statement is read in one pass.
 */
const WORD = /\s+|--[^\n]*|(?:"[^"]*")+|(?:'[^']*')+|[^\s"',;().]+|["',;().]/g;

/**
 * The words of a short SQL statement: identifiers and strings with their quotes, words, single punctuation
 * characters.
 */
export function sqlWords(sql: string): string[] {
  return (sql.match(WORD) ?? []).filter((word) => !/^(?:\s|--)/.test(word));
}

/** Whether a word is an identifier, quoted or not. */
export function isIdentifier(word: string | undefined): word is string {
  return word !== undefined && (word.length > 1 ? !word.startsWith("'") : /[^"',;().]/.test(word));
}

/** An identifier as PostgreSQL's catalogs hold it: without quotes, and in lower case if it was unquoted. */
export function unquote(identifier: string): string {
  if (identifier.startsWith('"')) return identifier.slice(1, -1).replaceAll('""', '"');
  return identifier.toLowerCase();
}
