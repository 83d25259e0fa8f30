import { isIdentifier, sqlWords, unquote } from './sql-words.ts';
import type { CopyTarget } from './tokens.ts';

/** What `COPY schema.table (columns) FROM stdin;` names; undefined for any other statement. */
export function parseCopy(sql: string): CopyTarget | undefined {
  const words = sqlWords(sql);
  if (words.length < 5 || words[0]?.toLowerCase() !== 'copy') return undefined;
  if (words.slice(-3).join(' ').toLowerCase() !== 'from stdin ;') return undefined;
  const named = words.slice(1, -3);
  const dot = named[1] === '.' ? 2 : 0;
  const table = named[dot];
  // Dumps from before PostgreSQL 10.3 give the schema only through search_path.
  const schema = dot === 2 ? named[0] : undefined;
  const columns = columnsOf(named.slice(dot + 1));
  if (!isIdentifier(table) || columns === undefined) return undefined;
  if (dot === 2 && !isIdentifier(schema)) return undefined;
  return { schema: schema === undefined ? '' : unquote(schema), name: unquote(table), columns };
}

/** The names in `(a, b)`; empty if there is no list, undefined for anything else. */
function columnsOf(words: readonly string[]): string[] | undefined {
  if (words.length === 0) return [];
  if (words[0] !== '(' || words.at(-1) !== ')') return undefined;
  const list = words.slice(1, -1);
  const listed = list.every((word, at) => (at % 2 === 1 ? word === ',' : isIdentifier(word)));
  if (!listed || list.at(-1) === ',') return undefined;
  return list.filter((_, at) => at % 2 === 0).map(unquote);
}
