/**
 * An expression for a text that can be sent to a client: in a SQL_ASCII database a name may consist of bytes that no
 * client encoding has, and is then null.
 */
export function tellable(text: string): string {
  return `CASE WHEN getdatabaseencoding() <> 'SQL_ASCII' OR (${text}) COLLATE "C" !~ '[^ -~]' THEN ${text} END`;
}

/**
 * Has the server run the statement that a query builds from names, which therefore need not be {@link tellable}.
 *
 * @param query returns one text
 */
export function runAsMade(query: string): string {
  return `DO $$ BEGIN EXECUTE (${query}); END $$`;
}
