import type { ChosenTables } from '../../catalog/choose-tables.ts';
import type { DumpIndex, DumpTable, SectionName } from '../../dump/dump-index.ts';
import { isLargeObject } from '../../dump/sections.ts';
import { textDecoder } from '../../dump/text-decoder.ts';
import { type DumpEntry, qualifiedName, type Statement } from '../../dump/tokens.ts';
import type { Selection, Take } from '../load/selection.ts';
import { concernOf } from './concern.ts';

/**
 * Rows of other tables that are read along with the text, in bytes: up to this many cost less than separate requests.
 */
const READ_ALONG = 1024 ** 2;

/** A part of a dump, and what could not be included in it. */
export interface TableSelection extends Selection {
  /** The blocks of the named tables. */
  readonly tables: readonly DumpTable[];
  /** Foreign keys from the named tables to others, collected as the dump is run; for the log. */
  readonly foreignKeys: readonly string[];
}

/**
 * What is needed from a dump to have some tables as they were: everything before the rows, the rows of these tables,
 * the positions of all sequences, and from post-data whatever concerns only these tables, the keys of all tables, and
 * definitions that pg_dump places after those (a view that groups by a primary key).
 */
export function selectTables(
  index: Pick<DumpIndex, 'tables' | 'encoding'>,
  { tables, names }: ChosenTables,
): TableSelection {
  const decode = textDecoder(index.encoding);
  const chosen = new Set(tables);
  const foreignKeys: string[] = [];
  /** Indexes that were created, or may have been. */
  const made = new Map<string, Take>();
  /** The entry that is being read, and what is done with it. */
  let last: { readonly entry: DumpEntry | undefined; readonly take: Take } | undefined;

  function takeAfterRows({ entry, sql }: Statement): Take {
    const concern = concernOf(decode(sql));
    switch (concern.about) {
      case 'table': {
        // Definitions may depend on the keys of any table; on a table without rows, a key costs nothing.
        const take = names.has(concern.table) ? 'run' : concern.key === undefined ? 'leave' : 'try';
        if (concern.makes !== undefined && take !== 'leave') made.set(concern.makes, take);
        return take;
      }
      case 'foreign-key':
        if (!names.has(concern.table)) return 'leave';
        if (names.has(concern.references)) return 'run';
        foreignKeys.push(`${concern.name} of ${concern.table} to ${concern.references}`);
        return 'leave';
      case 'attach':
        return attaches(made.get(concern.whole), made.get(concern.part));
      case 'before':
        return last?.take ?? 'leave';
      case 'definition':
        return 'try';
      case 'rights':
        // Privileges on a definition that could not be created cannot be granted either.
        return entry === undefined || isOnTable(entry, names) ? 'run' : 'try';
      case 'other':
        return 'leave';
    }
  }

  return {
    tables,
    foreignKeys,
    takesRows: (table) => chosen.has(table),
    unread: unreadTables(index.tables, chosen),
    takes(statement: Statement, section: SectionName) {
      const { entry } = statement;
      if (entry !== undefined && isLargeObject(entry)) return 'leave';
      if (section === 'pre-data') return 'run';
      if (section === 'data') return runsAmongRows(entry, names) ? 'run' : 'leave';
      // All statements of an entry concern the thing that its first one makes.
      const take =
        last !== undefined && entry !== undefined && last.entry === entry
          ? last.take
          : takeAfterRows(statement);
      last = { entry, take };
      return take;
    },
  };
}

/** A partition's index can be attached only if both indexes were created. */
function attaches(whole: Take | undefined, part: Take | undefined): Take {
  if (whole === undefined || part === undefined) return 'leave';
  return whole === 'run' && part === 'run' ? 'run' : 'try';
}

/** For privileges, pg_dump prefixes the object's name with its kind: `TABLE surface`, `COLUMN surface.name`. */
function isOnTable({ schema, name }: DumpEntry, names: ReadonlySet<string>): boolean {
  const [, kind, of = ''] = /^(\w+) (.*)$/.exec(name) ?? [];
  return kind === 'TABLE' && names.has(qualifiedName({ schema, name: of }));
}

/** The largest of the tables that are not wanted; the smallest ones are read along. */
function unreadTables(tables: readonly DumpTable[], chosen: ReadonlySet<DumpTable>): ReadonlySet<DumpTable> {
  const unread = new Set<DumpTable>();
  let along = 0;
  for (const table of tables.toSorted((a, b) => a.bytes - b.bytes)) {
    if (chosen.has(table)) continue;
    along += table.bytes;
    if (along > READ_ALONG) unread.add(table);
  }
  return unread;
}

function runsAmongRows(entry: DumpEntry | undefined, names: ReadonlySet<string>): boolean {
  if (entry === undefined || entry.type === 'SEQUENCE SET') return true;
  return entry.type === 'TABLE DATA' && names.has(qualifiedName(entry));
}
