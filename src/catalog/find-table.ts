import { distance } from 'fastest-levenshtein';
import { isIdentifier, sqlWords, unquote } from '../dump/sql-words.ts';

/** The name of a table as in PostgreSQL's catalogs. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** How many similar names to show for an unknown one. */
const NEAR = 3;

/**
 * Parses a table name as psql does: `manager_surface`, `public.manager_surface`, `public."Größe, alt"`. Unquoted
 * names are folded to lower case.
 *
 * @returns undefined if it is not a valid name
 */
export function parseTableName(text: string): Partial<TableName> | undefined {
  const words = sqlWords(text);
  const [first, dot, second] = words;
  if (!isIdentifier(first)) return undefined;
  if (words.length === 1) return { name: unquote(first) };
  if (words.length !== 3 || dot !== '.' || !isIdentifier(second)) return undefined;
  return { schema: unquote(first), name: unquote(second) };
}

/** Quoted where psql requires it: `public.surface`, `public."Größe"`. */
export function showTableName({ schema, name }: TableName): string {
  return schema === '' ? quoteIfNeeded(name) : `${quoteIfNeeded(schema)}.${quoteIfNeeded(name)}`;
}

function quoteIfNeeded(identifier: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(identifier) ? identifier : `"${identifier.replaceAll('"', '""')}"`;
}

/** What a name refers to among the tables of a dump. */
type FoundTable<T extends TableName> =
  /** All entries of the one table: a table dumped in several blocks has several. */
  | { readonly kind: 'one'; readonly entries: readonly T[] }
  /** Tables with this name in several schemas. */
  | { readonly kind: 'several'; readonly names: readonly string[] }
  /** None; `near` holds the most similar names. */
  | { readonly kind: 'none'; readonly near: readonly string[] };

/** Finds a table by its name, or by its name and schema. */
export function findTable<T extends TableName>(
  tables: readonly T[],
  { schema, name }: Partial<TableName>,
): FoundTable<T> {
  const entries = tables.filter(
    (table) => table.name === name && (schema === undefined || table.schema === schema),
  );
  const names = [...new Set(entries.map(showTableName))];
  if (names.length === 1) return { kind: 'one', entries };
  if (names.length > 1) return { kind: 'several', names };
  const wanted = (name ?? '').toLowerCase();
  const ranked = [...new Map(tables.map((table) => [showTableName(table), unlikeness(table.name, wanted)]))]
    .filter(([, unlike]) => unlike < wanted.length && unlike <= Math.max(2, wanted.length / 3))
    .sort(([, a], [, b]) => a - b);
  return { kind: 'none', near: ranked.slice(0, NEAR).map(([shown]) => shown) };
}

/** How many letters differ, apart from case; less than one if `wanted` is only a part of `name`. */
function unlikeness(name: string, wanted: string): number {
  const lower = name.toLowerCase();
  if (lower === wanted) return 0;
  return wanted !== '' && lower.includes(wanted) ? 0.5 : distance(lower, wanted);
}
