import { ConfigError } from '../errors.ts';
import type { Relation } from '../postgres/relations.ts';
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
export function matchSources(
  own: readonly ReferenceSource[],
  relations: ReadonlyMap<string, Relation>,
): Matched {
  for (const source of own) requireSource(source, relations);
  const matched = matchPresent(TOPOBANK_SOURCES, own, relations);
  if (matched.era !== null) for (const source of TOPOBANK_SOURCES) requireReadable(source, relations);
  return matched;
}

/** {@link matchSources} for a dump, which may be older than a table that AUDIT_REFERENCES names. */
export function matchPresent(
  known: readonly ReferenceSource[],
  own: readonly ReferenceSource[],
  relations: ReadonlyMap<string, Relation>,
): Matched {
  const era = tellEra(relations);
  const matched = (era === null ? own : [...known, ...own]).flatMap((source) =>
    matchSource(source, relations),
  );
  // If a column were named twice, each of its keys would count as shared.
  return { era, sources: [...new Map(matched.map((source) => [identify(source), source])).values()] };
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

function tellEra(relations: ReadonlyMap<string, Relation>): string | null {
  const eras: Era[] = [];
  const topography = relations.get('manager_topography');
  if (topography !== undefined && isText(topography, 'datafile')) {
    eras.push(ERA_B_COLUMNS.some((column) => topography.columns.has(column)) ? 'B' : 'A');
  }
  const manifest = relations.get('files_manifest');
  if (manifest !== undefined && isText(manifest, 'file')) eras.push('C');
  return eras.length > 0 ? eras.join('+') : null;
}

function matchSource(
  source: ReferenceSource,
  relations: ReadonlyMap<string, Relation>,
): readonly MatchedSource[] {
  return source.tables.flatMap((table): MatchedSource[] => {
    const relation = relations.get(table);
    if (relation === undefined || relation.primaryKey.length === 0) return [];
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
  });
}

/** A source named by the operator must exist completely. */
function requireSource(source: ReferenceSource, relations: ReadonlyMap<string, Relation>): void {
  for (const table of source.tables) {
    const relation = relations.get(table);
    if (relation === undefined) throw refuseSource(`there is no table ${table}`);
    if (relation.primaryKey.length === 0) throw refuseSource(`table ${table} has no primary key`);
    const { owned } = source;
    const named = owned.kind === 'key' ? owned.columns : owned.patterns.flatMap(placeholders);
    for (const column of [...named, ...source.written]) {
      if (!relation.columns.has(column)) throw refuseSource(`table ${table} has no column ${column}`);
    }
    if (owned.kind === 'key') {
      const other = owned.columns.find((column) => !isText(relation, column));
      if (other !== undefined) throw refuseSource(`column ${other} of table ${table} does not hold text`);
    }
    const other = source.written.find((column) => !isTime(relation, column));
    if (other !== undefined) throw refuseSource(`column ${other} of table ${table} does not hold a time`);
  }
}

/** Whatever a database has of a known source must be usable. */
function requireReadable({ tables, owned }: ReferenceSource, relations: ReadonlyMap<string, Relation>): void {
  for (const table of tables) {
    const relation = relations.get(table);
    if (relation === undefined) continue;
    if (owned.kind === 'key') {
      const present = owned.columns.filter((column) => relation.columns.has(column));
      if (present.length === 0) continue;
      const other = present.find((column) => !isText(relation, column));
      if (other !== undefined) throw unreadableTable(`column ${other} of table ${table} does not hold text`);
    } else {
      if (owned.beside !== undefined && !isText(relation, owned.beside)) continue;
      const lacking = owned.patterns.flatMap(placeholders).find((column) => !relation.columns.has(column));
      if (lacking !== undefined) throw unreadableTable(`table ${table} has no column ${lacking}`);
    }
    if (relation.primaryKey.length === 0) throw unreadableTable(`table ${table} has no primary key`);
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
  return isOfType(relation, column, /^(character varying|character|text|citext)\b/);
}

function isTime(relation: Relation, column: string): boolean {
  return isOfType(relation, column, /^(timestamp|date)\b/);
}

function isOfType(relation: Relation, column: string, type: RegExp): boolean {
  const found = relation.columns.get(column);
  return found !== undefined && (found === UNKNOWN_TYPE || type.test(found));
}
