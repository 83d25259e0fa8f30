import type { CopyTarget } from './tokens.ts';

const IDENTIFIER = String.raw`(?:"(?:[^"]|"")*"|[^\s".,();]+)`;
const COPY = new RegExp(
  String.raw`^COPY\s+(?:(${IDENTIFIER})\.)?(${IDENTIFIER})\s*(?:\((.*)\))?\s*FROM\s+stdin\s*;$`,
  'is',
);

/** An identifier as PostgreSQL's catalogs hold it: without quotes, unquoted ones in lower case. */
export function unquote(identifier: string): string {
  if (identifier.startsWith('"')) return identifier.slice(1, -1).replaceAll('""', '"');
  return identifier.toLowerCase();
}

/** What `COPY schema.table (columns) FROM stdin;` names; undefined for any other statement. */
export function parseCopy(sql: string): CopyTarget | undefined {
  const match = COPY.exec(sql);
  if (match?.[2] === undefined) return undefined;
  const columns = (match[3] ?? '').match(new RegExp(IDENTIFIER, 'g')) ?? [];
  return {
    // Dumps from before PostgreSQL 10.3 name the schema by search_path alone.
    schema: match[1] === undefined ? '' : unquote(match[1]),
    name: unquote(match[2]),
    columns: columns.map(unquote),
  };
}
