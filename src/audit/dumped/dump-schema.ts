import type { DumpSource } from '../../catalog/dump-source.ts';
import type { TableName } from '../../catalog/find-table.ts';
import { partitionOf } from '../../catalog/partitions.ts';
import { statementsBeforeRows } from '../../catalog/pre-data.ts';
import { readWords, type WordReader } from '../../dump/read-words.ts';
import { unquote } from '../../dump/sql-words.ts';
import { qualifiedName } from '../../dump/tokens.ts';

/** What the statements of a dump say of its tables; the rows show nothing but names of columns. */
export interface DumpSchema {
  /** Whether it creates any table. */
  readonly hasTables: boolean;
  /**
   * The tables that show the rows of this one too: those that it inherits from or is a partition of, directly or not,
   * the nearest first.
   */
  ancestors(table: TableName): readonly TableName[];
  /**
   * The columns whose values are generated, and so not in the dump: its own, and those of the tables whose rows it
   * shows. Before PostgreSQL 16, a column may be generated in these alone.
   */
  generated(table: TableName): ReadonlySet<string>;
}

/**
 * A column in the CREATE TABLE statement of pg_dump, which has one per line. What precedes its name does not cross
 * lines: from each of many blank lines in a default, all that follow would be tried.
 */
const GENERATED = /^[ \t]+((?:"[^"]*")+|[^\s"]+) .*\bGENERATED ALWAYS AS \(/gm;

/**
 * Reads the statements before the rows of a dump, and nothing else.
 *
 * @throws DumpError if they are not what they should be, StoreError, or the signal's reason
 */
export async function readDumpSchema(source: DumpSource, signal: AbortSignal): Promise<DumpSchema> {
  const parents = new Map<string, TableName[]>();
  /** The generated columns of each table's own statement. */
  const created = new Map<string, readonly string[]>();
  for await (const sql of statementsBeforeRows(source, source.manifest, signal)) {
    const partition = partitionOf(sql);
    if (partition !== undefined) addParents(parents, partition.part, [partition.whole]);
    const made = createdTable(sql);
    if (made === undefined) continue;
    const { table } = made;
    addParents(parents, table, made.parents);
    const generated = [...sql.matchAll(GENERATED)].map(([, name = '']) => unquote(name));
    created.set(qualifiedName(table), generated);
  }

  const ancestors = (table: TableName) => [...ancestorsOf(parents, qualifiedName(table)).values()];
  const generated = generatedColumns(created, parents);
  return {
    hasTables: created.size > 0,
    ancestors,
    generated: (table) => generated.get(qualifiedName(table)) ?? new Set(),
  };
}

/** The tables that show the rows of the table of this name too, the nearest first, by their names. */
function ancestorsOf(
  parents: ReadonlyMap<string, readonly TableName[]>,
  name: string,
): ReadonlyMap<string, TableName> {
  const found = new Map<string, TableName>();
  const look = (next: readonly TableName[]) => {
    for (const each of next) {
      const parent = qualifiedName(each);
      if (found.has(parent)) continue;
      found.set(parent, each);
      look(parents.get(parent) ?? []);
    }
  };
  look(parents.get(name) ?? []);
  return found;
}

/**
 * The generated columns of the tables that have any: their own, those of their ancestors, whose columns a statement
 * need not repeat, and those of the tables whose rows they show. For all tables at once, because an audit asks for each
 * of thousands of partitions.
 */
function generatedColumns(
  created: ReadonlyMap<string, readonly string[]>,
  parents: ReadonlyMap<string, readonly TableName[]>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const generated = new Map<string, Set<string>>();
  const add = (name: string, columns: readonly string[]) => {
    if (columns.length === 0) return;
    const known = generated.get(name) ?? new Set();
    generated.set(name, known);
    for (const column of columns) known.add(column);
  };
  if (![...created.values()].some((columns) => columns.length > 0)) return generated;
  for (const [name, columns] of created) add(name, columns);
  for (const name of parents.keys()) {
    for (const ancestor of ancestorsOf(parents, name).keys()) {
      add(name, created.get(ancestor) ?? []);
      add(ancestor, created.get(name) ?? []);
    }
  }
  return generated;
}

function addParents(parents: Map<string, TableName[]>, table: TableName, more: readonly TableName[]): void {
  const name = qualifiedName(table);
  parents.set(name, [...(parents.get(name) ?? []), ...more]);
}

/** The table that a statement creates, of whatever kind, and those that it inherits from. */
function createdTable(
  sql: string,
): { readonly table: TableName; readonly parents: readonly TableName[] } | undefined {
  const words = readWords(sql);
  if (!words.takes('create')) return undefined;
  if (!words.takes('unlogged')) words.takes('foreign');
  const table = words.takes('table') ? words.path() : undefined;
  return table && { table, parents: parentsIn(words) };
}

/** Read by words, because a default may have a line like this clause, and a name in it may have several lines. */
function parentsIn(words: WordReader): TableName[] {
  const parents: TableName[] = [];
  // A column may have this name, or a function in a constraint.
  if (!words.skipsTo('inherits', 'outside') || !words.takes('(')) return parents;
  for (let parent = words.path(); parent !== undefined; parent = words.path()) {
    parents.push(parent);
    words.takes(',');
  }
  return parents;
}
