import { ConfigError } from '../../errors.ts';
import {
  describeKind,
  isTable,
  quoteTable,
  type Relation,
  type Relations,
  showRelation,
} from '../../postgres/relations.ts';
import { isText, isTime, typeReadOtherwise } from './column-types.ts';
import { placeholders } from './key-pattern.ts';
import { OWN_REFERENCES } from './own-references.ts';
import { namedColumns, type ReferenceSource } from './reference-sources.ts';

/**
 * A source named by the operator must exist completely, in one schema at least, unless it is optional.
 *
 * @returns what is wrong with the tables of the others
 */
export function requireSource(source: ReferenceSource, relations: Relations): string[] {
  const isOptional = source.optional === true;
  // A table that has the columns of some patterns only owns what these name.
  const parts = isOptional ? byPattern(source) : [source];
  return parts.flatMap((part) =>
    part.tables.flatMap((table) => {
      const named = relations.get(table) ?? [];
      const found = isOptional ? named.filter(hasColumns(part)) : named;
      if (found.length === 0 && isOptional) return [];
      if (found.length === 0) throw refuseSource(`there is no table ${table}`);
      return othersUnread(found, (relation) => problemOf(part, relation), refuseSource);
    }),
  );
}

function byPattern(source: ReferenceSource): readonly ReferenceSource[] {
  const { owned } = source;
  return owned.kind === 'key'
    ? [source]
    : owned.patterns.map((pattern) => ({ ...source, owned: { ...owned, patterns: [pattern] } }));
}

function hasColumns({ owned }: ReferenceSource): (relation: Relation) => boolean {
  return ({ columns }) => namedColumns(owned).every((column) => columns.has(column));
}

/**
 * Whatever a database has of a known source must be usable, in one schema at least. A view matters only if its schema
 * has no table under another name of the source: it may lead from the old name to the new one.
 *
 * @returns what is wrong with the tables of the others
 */
export function requireReadable({ tables, owned }: ReferenceSource, relations: Relations): string[] {
  const owns = (relation: Relation) =>
    owned.kind === 'key'
      ? owned.columns.some((column) => relation.columns.has(column))
      : owned.beside === undefined || isText(relation, owned.beside);
  const owning = tables.map((table) => (relations.get(table) ?? []).filter(owns));
  const withTable = new Set(
    owning
      .flat()
      .filter(isTable)
      .map(({ schema }) => schema),
  );
  return owning.flatMap((ofName) => {
    const counting = ofName.filter((relation) => isTable(relation) || !withTable.has(relation.schema));
    return othersUnread(counting, (relation) => unreadableColumn(owned, relation), unreadableTable);
  });
}

/**
 * @param problemOf says why the rows of a table cannot be read; undefined if they can
 * @returns the problems, if any table has none
 * @throws what `refuse` makes of the first, if each has one
 */
function othersUnread(
  tables: readonly Relation[],
  problemOf: (relation: Relation) => string | undefined,
  refuse: (problem: string) => ConfigError,
): string[] {
  const problems = tables.map((relation) => {
    const kind = describeKind(relation);
    if (kind !== undefined) return kind;
    if (!relation.mayRead) return `this role may not read table ${showRelation(relation)}`;
    const problem = problemOf(relation);
    if (problem !== undefined) return problem;
    return relation.primaryKey.length === 0
      ? `table ${showRelation(relation)} has no primary key`
      : undefined;
  });
  const found = problems.filter((problem) => problem !== undefined);
  const [first] = found;
  if (first === undefined || found.length < tables.length) return found;
  const forbidden = tables.find((relation) => isTable(relation) && !relation.mayRead);
  throw forbidden === undefined ? refuse(first) : forbiddenTable(forbidden);
}

/** What a table lacks of a source that names it, other than a primary key. */
function problemOf({ owned, written }: ReferenceSource, relation: Relation): string | undefined {
  const table = `table ${showRelation(relation)}`;
  const named = namedColumns(owned);
  const missing = [...named, ...written].find((column) => !relation.columns.has(column));
  if (missing !== undefined) return `${table} has no column ${missing}`;
  if (owned.kind === 'key') {
    const other = owned.columns.find((column) => !isText(relation, column));
    if (other !== undefined) return `column ${other} of ${table} does not hold text`;
  }
  for (const column of named) {
    const type = typeReadOtherwise(relation, column);
    if (type !== undefined)
      return `column ${column} of ${table} is of type ${type}, whose values a dump spells otherwise`;
  }
  const other = written.find((column) => !isTime(relation, column));
  return other === undefined ? undefined : `column ${other} of ${table} does not hold a time`;
}

/** What keeps a column of a known source, which not every version has, from being read. */
function unreadableColumn(owned: ReferenceSource['owned'], relation: Relation): string | undefined {
  const table = `table ${showRelation(relation)}`;
  if (owned.kind === 'key') {
    const present = owned.columns.filter((column) => relation.columns.has(column));
    const other = present.find((column) => !isText(relation, column));
    return other === undefined ? undefined : `column ${other} of ${table} does not hold text`;
  }
  const lacking = owned.patterns.flatMap(placeholders).find((column) => !relation.columns.has(column));
  return lacking === undefined ? undefined : `${table} has no column ${lacking}`;
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
    doing: `cannot use ${OWN_REFERENCES}`,
    problem,
    remedy: 'correct it, or POSTGRES_DB',
  });
}

function forbiddenTable(table: Relation): ConfigError {
  return new ConfigError({
    doing: 'cannot determine which rows own which objects',
    problem: `this role may not read table ${showRelation(table)}`,
    remedy: `GRANT SELECT ON ${quoteTable(table)} TO it, with USAGE on the schema, or use another POSTGRES_USER`,
  });
}
