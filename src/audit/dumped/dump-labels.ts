import type { DumpSource } from '../../catalog/dump-source.ts';
import { copyLines, decodeCopyField } from '../../postgres/copy-text.ts';
import { showRelation } from '../../postgres/relations.ts';
import { type Labels, LINKS, OWNER_COLUMNS, WRITER_COLUMNS } from '../sources/row-labels.ts';
import { readDumpTables } from './dump-tables.ts';
import { schemaOf, splitFields, utf8From } from './row-keys.ts';

/** What a finding says of its row. */
interface FoundRow {
  /** `table`, or `schema.table` outside schema public. */
  readonly table: string;
  readonly primaryKey: string;
}

/** The columns that labels come from. Of the others, a few rows may have more than fits into memory. */
const LABEL_COLUMNS: ReadonlySet<string> = new Set([
  'id',
  'name',
  'surface_id',
  'username',
  ...OWNER_COLUMNS,
  ...WRITER_COLUMNS,
  ...Object.values(LINKS).flatMap((links) => [...Object.keys(links), ...Object.values(links).flat()]),
]);

/** A row of a dump: the values of {@link LABEL_COLUMNS}. */
type Row = ReadonlyMap<string, string | null>;

/** Rows to look for: those that have one of these values in one of these columns. */
type Wanted = Readonly<Record<string, readonly (string | null | undefined)[]>>;

/** Reads rows of tables of one schema, by the names of the tables. */
type FindRows = (wanted: Readonly<Record<string, Wanted>>) => Promise<(table: string) => readonly Row[]>;

/**
 * What people know a few rows of a dump by, as the audit of a database finds it out in SQL. Every table concerned is
 * read once more, or twice; so this is for a dump whose tables can be read by themselves.
 *
 * @throws DumpError, StoreError, or the signal's reason
 */
export async function findLabels<R extends FoundRow>(
  dump: DumpSource,
  rows: readonly R[],
  signal: AbortSignal,
): Promise<ReadonlyMap<R, Labels>> {
  const tables = dump.manifest?.tables ?? [];
  const labels: [R, Labels][] = [];
  for (const schema of new Set(tables.map((table) => schemaOf(table.schema)))) {
    const names = tables.filter((table) => schemaOf(table.schema) === schema).map(({ name }) => name);
    const shown = new Map(names.map((name) => [showRelation({ schema, name }), name]));
    const places = rows.flatMap((of) => {
      const table = shown.get(of.table);
      return table === undefined ? [] : [{ of, table }];
    });
    labels.push(...(await labelRows(places, rowFinder(dump, schema, signal), new Set(names))));
  }
  return new Map(labels);
}

/** @param tables the names of the schema's tables */
async function labelRows<R extends FoundRow>(
  places: readonly { readonly of: R; readonly table: string }[],
  find: FindRows,
  tables: ReadonlySet<string>,
): Promise<[R, Labels][]> {
  const idsOf = (table: string) =>
    places.filter((place) => place.table === table).map(({ of }) => of.primaryKey);
  const own = await find(
    Object.fromEntries(places.map(({ table }) => [table, { id: idsOf(table) }] as const)),
  );
  const rows = places.flatMap(({ of, table }) => {
    const row = byId(own(table), of.primaryKey);
    return row === undefined ? [] : [{ of, table, row }];
  });

  const measurements = tables.has('manager_measurement') ? 'manager_measurement' : 'manager_topography';
  const files = rows.filter(({ table }) => table === 'files_manifest').map(({ row }) => row);
  const pointing = await find({
    [measurements]: pointers(LINKS.measurement, files),
    manager_surface: pointers(LINKS.surface, files),
  });
  const linked = rows.map(({ of, table, row }) => {
    const ofFile = table === 'files_manifest' ? row : undefined;
    const measurement =
      table === measurements ? row : pointsAt(ofFile, LINKS.measurement, pointing(measurements));
    const attached = pointsAt(ofFile, LINKS.surface, pointing('manager_surface'));
    const surfaceId = measurement?.get('surface_id') ?? attached?.get('id') ?? row.get('surface_id');
    return { of, row, measurement, surfaceId };
  });

  const surfaces = await find({ manager_surface: { id: linked.map(({ surfaceId }) => surfaceId) } });
  const owned = linked.map((each) => {
    const surface = byId(surfaces('manager_surface'), each.surfaceId);
    const ownerId = firstOf(surface, OWNER_COLUMNS) ?? firstOf(each.row, WRITER_COLUMNS);
    return { ...each, surface, ownerId };
  });

  const users = await find({ users_user: { id: owned.map(({ ownerId }) => ownerId) } });
  return owned.map(({ of, measurement, surface, ownerId }) => [
    of,
    {
      topography: measurement?.get('name') ?? null,
      surface: surface?.get('name') ?? null,
      owner: byId(users('users_user'), ownerId)?.get('username') ?? null,
    },
  ]);
}

type Links = Readonly<Record<string, readonly string[]>>;

/** The rows that point at one of these. */
function pointers(links: Links, rows: readonly Row[]): Wanted {
  return Object.fromEntries(
    Object.entries(links).flatMap(([own, columns]) =>
      columns.map((column) => [column, rows.map((row) => row.get(own))] as const),
    ),
  );
}

/** The row that points at this one. */
function pointsAt(row: Row | undefined, links: Links, candidates: readonly Row[]): Row | undefined {
  for (const [own, columns] of Object.entries(links)) {
    const target = row?.get(own) ?? undefined;
    if (target === undefined) continue;
    const found = candidates.find((each) => columns.some((column) => each.get(column) === target));
    if (found !== undefined) return found;
  }
  return undefined;
}

function byId(rows: readonly Row[], id: string | null | undefined): Row | undefined {
  return typeof id !== 'string' ? undefined : rows.find((row) => row.get('id') === id);
}

/** The value in the first of these columns that the row's table has. */
function firstOf(row: Row | undefined, columns: readonly string[]): string | null | undefined {
  const column = columns.find((each) => row?.has(each) === true);
  return column === undefined ? undefined : row?.get(column);
}

function rowFinder(dump: DumpSource, schema: string, signal: AbortSignal): FindRows {
  return async (wanted) => {
    const values = new Map(
      Object.entries(wanted).map(([table, by]) => [
        table,
        new Map(
          Object.entries(by).map(([column, those]) => [
            column,
            new Set(those.filter((value) => typeof value === 'string')),
          ]),
        ),
      ]),
    );
    const found = new Map<string, Row[]>();
    const sought = (table: { readonly schema: string; readonly name: string }) =>
      schemaOf(table.schema) === schema &&
      [...(values.get(table.name)?.values() ?? [])].some(({ size }) => size > 0);
    const read = readDumpTables(dump, sought, signal);
    for await (const { name, columns, chunks } of read.tables) {
      const toUtf8 = utf8From(read.encoding());
      const textOf = (field: Buffer | undefined) => {
        const value = field === undefined ? null : decodeCopyField(field);
        return value === null ? null : toUtf8(value).toString();
      };
      const tests = [...(values.get(name) ?? [])].flatMap(([column, those]) => {
        const at = columns.indexOf(column);
        return at < 0 ? [] : [{ at, those }];
      });
      const kept = [...columns.entries()].filter(([, column]) => LABEL_COLUMNS.has(column));
      const rows = found.get(name) ?? [];
      found.set(name, rows);
      for await (const lines of copyLines(chunks)) {
        for (const line of lines) {
          const fields = splitFields(line);
          const isWanted = tests.some(({ at, those }) => {
            const value = textOf(fields[at]);
            return value !== null && those.has(value);
          });
          if (isWanted) rows.push(new Map(kept.map(([at, column]) => [column, textOf(fields[at])])));
        }
      }
    }
    return (table) => found.get(table) ?? [];
  };
}
