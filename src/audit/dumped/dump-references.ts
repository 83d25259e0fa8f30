import type { UsableBackup } from '../../catalog/backup.ts';
import { readWhole } from '../../catalog/describe-backup.ts';
import { backupSource, type DumpSource } from '../../catalog/dump-source.ts';
import type { TableName } from '../../catalog/find-table.ts';
import type { CopyTarget } from '../../dump/tokens.ts';
import type { ClientTools } from '../../postgres/client-binaries.ts';
import { copyLines } from '../../postgres/copy-text.ts';
import type { Relation } from '../../postgres/relations.ts';
import { asKeyBytes } from '../../s3/key-bytes.ts';
import type { Store } from '../../s3/store.ts';
import type { Logger } from '../../ui/log.ts';
import { watched } from '../../watched.ts';
import type { Reference } from '../rows/references.ts';
import { UNKNOWN_TYPE } from '../sources/column-types.ts';
import {
  identify,
  type MatchedSource,
  matchPresent,
  type PresentSources,
  sourceTables,
} from '../sources/match-sources.ts';
import { type ReferenceSource, TOPOBANK_SOURCES } from '../sources/reference-sources.ts';
import { type DumpSchema, readDumpSchema } from './dump-schema.ts';
import { readDumpTables } from './dump-tables.ts';
import { type SortSpace, sortRecords } from './external-sort.ts';
import { refuseGenerated } from './generated-columns.ts';
import { keysFrom, keyWriter, schemaOf, splitFields, utf8From } from './row-keys.ts';

const NO_ID = Buffer.alloc(0);

/** Where a backup's dump is read from, what its references are sorted with, and where it is told what takes long. */
export interface DumpReferencesContext {
  readonly store: Store;
  readonly mediaPrefix: string;
  /** Sources in addition to TopoBank's own; those that the dump lacks are ignored. */
  readonly ownSources: readonly ReferenceSource[];
  /** For dumps in pg_dump's custom format. */
  readonly tools: ClientTools;
  readonly space: SortSpace;
  readonly log: Logger;
}

/** What the rows of a backup own. */
interface DumpReferences {
  readonly matched: PresentSources;
  /** Whether the dump is of a database with tables. */
  readonly hasTables: boolean;
  /** In the order of their keys' bytes. */
  readonly references: AsyncGenerator<readonly Reference[]>;
  /** Removes the files that they were sorted in; to be called in any case. */
  close(): Promise<void>;
}

/**
 * Reads from a backup in the store which rows own which objects, without restoring it. The rows of a dump come
 * without types and primary keys: a row is identified by its column `id`, or else by its first column, and counts as
 * old.
 *
 * @param onBytes called for all bytes of the plain SQL that are read
 * @throws NotFoundError if it was deleted meanwhile, DumpError, StoreError, ConfigError if the references cannot be
 * sorted, or the signal's reason
 */
export async function readDumpReferences(
  context: DumpReferencesContext,
  listed: UsableBackup,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<DumpReferences> {
  const { store, mediaPrefix, ownSources, tools, space } = context;
  const dump = counted(backupSource(store, await readWhole(store, listed, signal), tools), onBytes);
  const relations = new Map<string, Relation[]>();
  const sources: MatchedSource[] = [];
  const allSources = [...TOPOBANK_SOURCES, ...ownSources];
  const sought = new Set(sourceTables(allSources));
  const schema = await readDumpSchema(dump, signal);
  const soughtAs = (table: TableName) => lineage(table, schema).filter(({ wanted }) => sought.has(wanted));
  const read = readDumpTables(dump, (table) => soughtAs(table).length > 0, signal);

  async function* records(): AsyncGenerator<readonly string[]> {
    for await (const table of read.tables) {
      const names = soughtAs(table);
      const relation = describeTable({ ...table, ...names[0]?.table });
      const wanted = new Map(names.map((name) => [name.wanted, [relation]]));
      for (const name of wanted.keys()) relations.set(name, [...(relations.get(name) ?? []), relation]);
      // Whether TopoBank's own apply is known only once all tables have been read.
      const found = matchPresent([], allSources, wanted).sources;
      const toUtf8 = utf8From(read.encoding());
      const toKey = keysFrom(read.encoding(), dump.name);
      const writers = found.map((source) => keyWriter(source, table.columns, mediaPrefix, toKey));
      const first = sources.length;
      sources.push(...found);
      const idAt = table.columns.indexOf(relation.primaryKey[0] ?? '');
      for await (const lines of copyLines(table.chunks)) {
        yield lines.flatMap((line) => {
          const fields = splitFields(line);
          const id = toUtf8(fields[idAt] ?? NO_ID).toString('latin1');
          return writers.flatMap((write, at) => {
            const key = write(fields);
            return key === undefined ? [] : [`${key}\0${first + at}\0${id}`];
          });
        });
      }
    }
  }

  const sorted = sortRecords(records(), space, signal);
  const close = async () => {
    await sorted.return(undefined);
  };
  try {
    // The first sorted record comes only after all tables have been read, so `relations` is complete from here on.
    const head = await sorted.next();
    const matched = matchPresent(TOPOBANK_SOURCES, ownSources, relations);
    const applying = matched.era === null ? ownSources : allSources;
    refuseGenerated(dump.name, schema, applying, relations);
    const valid = new Map(matched.sources.map((source) => [identify(source), source]));
    async function* references(): AsyncGenerator<readonly Reference[]> {
      for (let next = head; next.done !== true; next = await sorted.next()) {
        yield next.value.flatMap((record) => parseRecord(record, sources, valid));
      }
    }
    return { matched, hasTables: schema.hasTables, references: references(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function counted(dump: DumpSource, onBytes: (bytes: number) => void): DumpSource {
  const count = (chunk: Buffer) => onBytes(chunk.length);
  return {
    ...dump,
    read: (signal) => watched(dump.read(signal), count),
    async ranges(signal) {
      const readRange = await dump.ranges(signal);
      return readRange && ((range, by) => watched(readRange(range, by), count));
    },
  };
}

function describeTable({ schema, name, columns }: CopyTarget): Relation {
  const id = columns.includes('id') ? 'id' : columns[0];
  return {
    schema: schemaOf(schema),
    name,
    columns: new Map(columns.map((column) => [column, UNKNOWN_TYPE])),
    primaryKey: id === undefined ? [] : [id],
    mayRead: true,
    unreadable: new Set(),
  };
}

/**
 * The names that a source may give a table, and those of the tables that show its rows too, which count as theirs: a
 * dump has the rows of a partition under its own name.
 */
function lineage(
  table: TableName,
  schema: DumpSchema,
): { readonly wanted: string; readonly table: TableName }[] {
  return [table, ...schema.ancestors(table)].flatMap((each) => [
    { wanted: each.name, table: each },
    { wanted: `${schemaOf(each.schema)}.${each.name}`, table: each },
  ]);
}

function parseRecord(
  record: string,
  sources: readonly MatchedSource[],
  valid: ReadonlyMap<string, MatchedSource>,
): Reference[] {
  const keyEnd = record.indexOf('\0');
  const sourceEnd = record.indexOf('\0', keyEnd + 1);
  const named = sources[Number(record.slice(keyEnd + 1, sourceEnd))];
  const source = named && valid.get(identify(named));
  if (source === undefined) return [];
  return [
    {
      kind: source.owned.kind,
      key: asKeyBytes(record.slice(0, keyEnd)),
      source,
      young: false,
      id: record.slice(sourceEnd + 1),
    },
  ];
}
