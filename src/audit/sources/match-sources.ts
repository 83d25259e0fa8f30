import { ConfigError } from '../../errors.ts';
import { describeKind, isTable, type Relation, type Relations } from '../../postgres/relations.ts';
import { formatFirst } from '../../ui/format.ts';
import { isText, isTime } from './column-types.ts';
import { placeholders } from './key-pattern.ts';
import { ERA_B_COLUMNS, type Era, type ReferenceSource, TOPOBANK_SOURCES } from './reference-sources.ts';
import { requireReadable, requireSource } from './unread-tables.ts';

/** A source as found in a database: one table, and one column or one pattern of prefixes. */
export interface MatchedSource {
  readonly relation: Relation;
  readonly owned:
    | { readonly kind: 'key'; readonly column: string; readonly under: string }
    | { readonly kind: 'prefix'; readonly pattern: string; readonly unless: string | undefined };
  /** Those of the source's time columns that the table has. */
  readonly written: readonly string[];
}

/** What the rows of a database or a dump own. */
export interface PresentSources {
  /** `A`, `B`, `C`; `B+C` for a database between the two; null when it is not TopoBank's. */
  readonly era: string | null;
  /** Empty if no row is known to own any object. */
  readonly sources: readonly MatchedSource[];
}

/** What the audit of a database is based on. */
export interface Matched extends PresentSources {
  /**
   * Why rows of some tables cannot be read, each in a clause, although those of others can, such as of a table of the
   * same name in another schema: what they own may look like orphans.
   */
  readonly unread: readonly string[];
}

/** Every table that the sources name. */
export function sourceTables(sources: readonly ReferenceSource[]): string[] {
  return [...new Set(sources.flatMap(({ tables }) => tables))];
}

/**
 * Determines which sources a database has.
 *
 * @param own sources from AUDIT_REFERENCES, each of which must exist
 * @param relations the tables of the database, by their names in the sources
 * @throws ConfigError if it lacks something that AUDIT_REFERENCES names, or has a known table whose rows cannot be
 * told apart, so that what they own would be taken for orphans
 */
export function matchSources(own: readonly ReferenceSource[], relations: Relations): Matched {
  const { era, sources } = matchPresent(TOPOBANK_SOURCES, own, relations);
  const unread = [
    ...own.flatMap((source) => requireSource(source, relations)),
    ...(era === null
      ? eraViews(relations)
      : TOPOBANK_SOURCES.flatMap((source) => requireReadable(source, relations))),
  ];
  return { era, sources, unread: [...new Set(unread)] };
}

/** {@link matchSources} for a dump, which may be older than a table that AUDIT_REFERENCES names. */
export function matchPresent(
  known: readonly ReferenceSource[],
  own: readonly ReferenceSource[],
  relations: Relations,
): PresentSources {
  const era = tellEra(relations);
  const matched = (era === null ? own : [...known, ...own]).flatMap((source) =>
    matchSource(source, relations),
  );
  // If a column were named twice, each of its keys would count as shared.
  return { era, sources: [...new Map(matched.map((source) => [identify(source), source])).values()] };
}

/** How many schemas to name that have a table of one name. */
const SCHEMAS_NAMED = 5;

/** The tables of one name that several schemas have, each in a clause: `files_manifest in archive, public`. */
export function tablesOfSeveral({ sources }: Matched): string[] {
  const schemas = new Map<string, Set<string>>();
  for (const { relation } of sources) {
    const known = schemas.get(relation.name) ?? new Set();
    schemas.set(relation.name, known.add(relation.schema));
  }
  return [...schemas]
    .filter(([, names]) => names.size > 1)
    .map(([table, names]) => `${table} in ${formatFirst([...names], SCHEMAS_NAMED)}`);
}

/** What to check if the rows are not those of TopoBank. */
const WRONG_PLACE = { database: 'POSTGRES_DB', dump: 'S3_PREFIX' } as const;

/** No table is known whose rows own objects: they are those of another application, or of another place. */
export class NoSourcesError extends ConfigError {}

/**
 * @param of where the rows are
 * @throws NoSourcesError if there is no source, saying which tables were looked for
 */
export function assertSources({ sources }: PresentSources, of: keyof typeof WRONG_PLACE): void {
  if (sources.length > 0) return;
  const looked = TOPOBANK_SOURCES.flatMap(({ tables, eras }) => (eras.length > 0 ? tables : []));
  throw new NoSourcesError({
    doing: 'cannot determine which rows own which objects',
    problem: `the ${of} matches no known era of TopoBank (looked for ${[...new Set(looked)].join(', ')})`,
    remedy: `check ${WRONG_PLACE[of]}, or name its columns in AUDIT_REFERENCES`,
  });
}

/** What tells an era, and the column that it is told by. */
const ERA_TABLES = { manager_topography: 'datafile', files_manifest: 'file' } as const;

function tellEra(relations: Relations): string | null {
  const eras: Era[] = [];
  const tablesOf = (name: keyof typeof ERA_TABLES) => ofEra(name, relations).filter(isTable);
  const topographies = tablesOf('manager_topography');
  if (topographies.length > 0) {
    const isB = topographies.some(({ columns }) => ERA_B_COLUMNS.some((column) => columns.has(column)));
    eras.push(isB ? 'B' : 'A');
  }
  if (tablesOf('files_manifest').length > 0) eras.push('C');
  return eras.length > 0 ? eras.join('+') : null;
}

function ofEra(name: keyof typeof ERA_TABLES, relations: Relations): Relation[] {
  return (relations.get(name) ?? []).filter((relation) => isText(relation, ERA_TABLES[name]));
}

/** Without a table that tells an era: views in the place of one, behind which TopoBank's rows may be. */
function eraViews(relations: Relations): string[] {
  const found = [...ofEra('manager_topography', relations), ...ofEra('files_manifest', relations)];
  return found.map(describeKind).filter((kind) => kind !== undefined);
}

function matchSource(source: ReferenceSource, relations: Relations): readonly MatchedSource[] {
  return source.tables.flatMap((table) =>
    (relations.get(table) ?? []).flatMap((relation) => matchTable(source, relation)),
  );
}

function matchTable(source: ReferenceSource, relation: Relation): readonly MatchedSource[] {
  if (relation.primaryKey.length === 0 || !relation.mayRead) return [];
  const written = source.written.filter((column) => isTime(relation, column));
  if (source.owned.kind === 'key') {
    const { columns, under } = source.owned;
    return columns
      .filter((column) => isText(relation, column))
      .map((column) => ({ relation, written, owned: { kind: 'key', column, under } }));
  }
  const { patterns, beside, unless } = source.owned;
  if (beside !== undefined && !isText(relation, beside)) return [];
  return patterns
    .filter((pattern) => placeholders(pattern).every((column) => relation.columns.has(column)))
    .map((pattern) => ({
      relation,
      written,
      owned: {
        kind: 'prefix',
        pattern,
        unless: unless !== undefined && relation.columns.has(unless) ? unless : undefined,
      },
    }));
}

/** Returns the same text for two sources that name the same column or the same prefixes of one table. */
export function identify({ relation: { schema, name }, owned }: MatchedSource): string {
  const what = owned.kind === 'key' ? [owned.column, owned.under] : [owned.pattern];
  return JSON.stringify([schema, name, owned.kind, ...what]);
}
