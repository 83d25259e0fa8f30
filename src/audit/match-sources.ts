import { ConfigError } from '../errors.ts';
import type { Relation, Relations } from '../postgres/relations.ts';
import { placeholders } from './pattern.ts';
import { ERA_B_COLUMNS, type Era, type ReferenceSource, TOPOBANK_SOURCES } from './reference-sources.ts';

/** A source as found in a database: one table, and one column or one pattern of prefixes. */
export interface MatchedSource {
  readonly relation: Relation;
  readonly owned:
    | { readonly kind: 'key'; readonly column: string; readonly under: string }
    | { readonly kind: 'prefix'; readonly pattern: string; readonly unless: string | undefined };
  /** Those of the source's time columns that the table has. */
  readonly written: readonly string[];
}

/** What the audit of a database is based on. */
export interface Matched {
  /** `A`, `B`, `C`; `B+C` for a database between the two; null when it is not TopoBank's. */
  readonly era: string | null;
  /** Empty if no row is known to own any object. */
  readonly sources: readonly MatchedSource[];
}

/** The type of a column read from a dump, which gives only its name; it may be any type. */
export const UNKNOWN_TYPE = '';

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
  for (const source of own) requireSource(source, relations);
  const matched = matchPresent(TOPOBANK_SOURCES, own, relations);
  if (matched.era !== null) for (const source of TOPOBANK_SOURCES) requireReadable(source, relations);
  return matched;
}

/** {@link matchSources} for a dump, which may be older than a table that AUDIT_REFERENCES names. */
export function matchPresent(
  known: readonly ReferenceSource[],
  own: readonly ReferenceSource[],
  relations: Relations,
): Matched {
  const era = tellEra(relations);
  const matched = (era === null ? own : [...known, ...own]).flatMap((source) =>
    matchSource(source, relations),
  );
  // If a column were named twice, each of its keys would count as shared.
  return { era, sources: [...new Map(matched.map((source) => [identify(source), source])).values()] };
}

/** The tables of one name that several schemas have, each in a clause: `files_manifest in archive, public`. */
export function tablesOfSeveral({ sources }: Matched): string[] {
  const schemas = new Map<string, Set<string>>();
  for (const { relation } of sources) {
    const known = schemas.get(relation.name) ?? new Set();
    schemas.set(relation.name, known.add(relation.schema));
  }
  return [...schemas]
    .filter(([, names]) => names.size > 1)
    .map(([table, names]) => `${table} in ${[...names].join(', ')}`);
}

/** @throws ConfigError if there is no source, saying which tables were looked for */
export function assertSources({ sources }: Matched): void {
  if (sources.length > 0) return;
  const looked = TOPOBANK_SOURCES.flatMap(({ tables, eras }) => (eras.length > 0 ? tables : []));
  throw new ConfigError({
    doing: 'cannot determine which rows own which objects',
    problem: `the database matches no known era of TopoBank (looked for ${[...new Set(looked)].join(', ')})`,
    remedy: 'check POSTGRES_DB, or name its columns in AUDIT_REFERENCES',
  });
}

function tellEra(relations: Relations): string | null {
  const eras: Era[] = [];
  const topographies = (relations.get('manager_topography') ?? []).filter((table) =>
    isText(table, 'datafile'),
  );
  if (topographies.length > 0) {
    const isB = topographies.some(({ columns }) => ERA_B_COLUMNS.some((column) => columns.has(column)));
    eras.push(isB ? 'B' : 'A');
  }
  const manifests = relations.get('files_manifest') ?? [];
  if (manifests.some((table) => isText(table, 'file'))) eras.push('C');
  return eras.length > 0 ? eras.join('+') : null;
}

function matchSource(source: ReferenceSource, relations: Relations): readonly MatchedSource[] {
  return source.tables.flatMap((table) =>
    (relations.get(table) ?? []).flatMap((relation) => matchTable(source, relation)),
  );
}

function matchTable(source: ReferenceSource, relation: Relation): readonly MatchedSource[] {
  if (relation.primaryKey.length === 0) return [];
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

/** A source named by the operator must exist completely, in one schema at least. */
function requireSource(source: ReferenceSource, relations: Relations): void {
  for (const table of source.tables) {
    const problems = (relations.get(table) ?? []).map((relation) => problemOf(source, table, relation));
    if (problems.length === 0) throw refuseSource(`there is no table ${table}`);
    const [problem] = problems;
    if (problem !== undefined && !problems.includes(undefined)) throw refuseSource(problem);
  }
}

/** Why rows of this table cannot be read by this source; undefined if they can. */
function problemOf(source: ReferenceSource, table: string, relation: Relation): string | undefined {
  if (relation.primaryKey.length === 0) return `table ${table} has no primary key`;
  const { owned } = source;
  const named = owned.kind === 'key' ? owned.columns : owned.patterns.flatMap(placeholders);
  const missing = [...named, ...source.written].find((column) => !relation.columns.has(column));
  if (missing !== undefined) return `table ${table} has no column ${missing}`;
  if (owned.kind === 'key') {
    const other = owned.columns.find((column) => !isText(relation, column));
    if (other !== undefined) return `column ${other} of table ${table} does not hold text`;
  }
  const other = source.written.find((column) => !isTime(relation, column));
  return other === undefined ? undefined : `column ${other} of table ${table} does not hold a time`;
}

/** Whatever a database has of a known source must be usable. */
function requireReadable({ tables, owned }: ReferenceSource, relations: Relations): void {
  for (const table of tables) {
    for (const relation of relations.get(table) ?? []) {
      if (owned.kind === 'key') {
        const present = owned.columns.filter((column) => relation.columns.has(column));
        if (present.length === 0) continue;
        const other = present.find((column) => !isText(relation, column));
        if (other !== undefined)
          throw unreadableTable(`column ${other} of table ${table} does not hold text`);
      } else {
        if (owned.beside !== undefined && !isText(relation, owned.beside)) continue;
        const lacking = owned.patterns.flatMap(placeholders).find((column) => !relation.columns.has(column));
        if (lacking !== undefined) throw unreadableTable(`table ${table} has no column ${lacking}`);
      }
      if (relation.primaryKey.length === 0) throw unreadableTable(`table ${table} has no primary key`);
    }
  }
}

function unreadableTable(problem: string): ConfigError {
  return new ConfigError({
    doing: 'cannot determine which rows own which objects',
    problem,
    remedy: 'restore the table to the form that TopoBank’s migrations give it',
  });
}

function refuseSource(problem: string): ConfigError {
  return new ConfigError({
    doing: 'cannot use AUDIT_REFERENCES',
    problem,
    remedy: 'correct it, or POSTGRES_DB',
  });
}

/** Returns the same text for two sources that name the same column or the same prefixes of one table. */
export function identify({ relation: { schema, name }, owned }: MatchedSource): string {
  const what = owned.kind === 'key' ? [owned.column, owned.under] : [owned.pattern];
  return JSON.stringify([schema, name, owned.kind, ...what]);
}

/** Whether the table has this column and it may hold text; see {@link UNKNOWN_TYPE}. */
export function isText(relation: Relation, column: string): boolean {
  return isOfType(relation, column, /^(character varying|character|text|("?\w+"?\.)?citext)\b/);
}

function isTime(relation: Relation, column: string): boolean {
  return isOfType(relation, column, /^(timestamp|date)\b/);
}

function isOfType(relation: Relation, column: string, type: RegExp): boolean {
  const found = relation.columns.get(column);
  return found !== undefined && (found === UNKNOWN_TYPE || type.test(found));
}
