import type { UsableBackup } from '../catalog/backup.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { readAll } from '../dump/read-text.ts';
import { readWords } from '../dump/read-words.ts';
import { createScanner } from '../dump/scanner.ts';
import { unquote } from '../dump/sql-words.ts';
import { nameInEntry, qualifiedName } from '../dump/tokens.ts';
import { DumpError } from '../errors.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import type { Relation } from '../postgres/relations.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import { namedColumns, type ReferenceSource } from './reference-sources.ts';

/** A column in the CREATE TABLE statement of pg_dump, which has one per line. */
const GENERATED = /^\s+((?:"[^"]*")+|[^\s"]+) .*\bGENERATED ALWAYS AS \(/gm;

/** The tables that it inherits from. */
const PARENTS = /^INHERITS \((.+)\)/m;

/**
 * Makes sure that no source names a generated column: its values are not in a dump, and what they name would seem to be
 * owned by nobody. A column that the table has not in the dump may also be a later one.
 *
 * @param relations the tables of the dump as their rows show them
 * @throws DumpError if one does, or StoreError
 */
export async function refuseGenerated(
  { store, tools }: { readonly store: Store; readonly tools: ClientTools },
  { dump }: UsableBackup,
  sources: readonly ReferenceSource[],
  relations: ReadonlyMap<string, readonly Relation[]>,
  signal: AbortSignal,
): Promise<void> {
  const lacking = lackingColumns(sources, relations);
  if (lacking.size === 0) return;
  const bytes = readPlainDump(readObject(store, dump.key, { signal }), { name: dump.key, ...tools, signal });
  const generated = new Map<string, ReadonlySet<string>>();
  for await (const token of readAll(createScanner(dump.key), bytes)) {
    // Tables come before all rows.
    if (token.type === 'copy-start') return;
    if (token.type !== 'statement' || token.entry?.type !== 'TABLE') continue;
    const table = qualifiedName(token.entry);
    // What follows its first statement alters it, such as its owner.
    if (generated.has(table)) continue;
    const columns = generatedColumns(token.sql.toString(), generated);
    // Parents come before their children.
    generated.set(table, columns);
    for (const column of lacking.get(table) ?? [])
      if (columns.has(column)) throw valuesMissing(dump.key, `${table}.${column}`);
  }
}

/** The generated columns of a table, with those of its parents, which its own statement does not repeat. */
function generatedColumns(sql: string, known: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const columns = [...sql.matchAll(GENERATED)].map(([, name = '']) => unquote(name));
  const parents = readWords(PARENTS.exec(sql)?.[1] ?? '');
  for (let parent = parents.name(); parent !== undefined; parent = parents.name()) {
    columns.push(...(known.get(parent) ?? []));
    parents.takes(',');
  }
  return new Set(columns);
}

/** The columns that sources name and that their tables lack, by the tables' names in the comments of a dump. */
function lackingColumns(
  sources: readonly ReferenceSource[],
  relations: ReadonlyMap<string, readonly Relation[]>,
): Map<string, Set<string>> {
  const lacking = new Map<string, Set<string>>();
  for (const { tables, owned } of sources) {
    const named = namedColumns(owned);
    for (const relation of tables.flatMap((table) => relations.get(table) ?? [])) {
      const table = nameInEntry(relation);
      const columns = named.filter((column) => !relation.columns.has(column));
      if (columns.length > 0) lacking.set(table, new Set([...(lacking.get(table) ?? []), ...columns]));
    }
  }
  return lacking;
}

function valuesMissing(key: string, column: string): DumpError {
  return new DumpError({
    doing: `cannot determine which media the rows of ${key} name`,
    problem: `${column} is a generated column, whose values are not in a dump`,
    remedy:
      'name the columns that it is generated from in AUDIT_REFERENCES, or keep backups with a list of their media (MEDIA_MANIFEST)',
  });
}
