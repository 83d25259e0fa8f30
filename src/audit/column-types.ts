import type { Relation } from '../postgres/relations.ts';

/** The type of a column read from a dump, which gives only its name; it may be any type. */
export const UNKNOWN_TYPE = '';

/** Whether the table has this column and it may hold text; see {@link UNKNOWN_TYPE}. */
export function isText(relation: Relation, column: string): boolean {
  return isOfType(relation, column, /^(character varying|character|text|("?\w+"?\.)?citext)\b/);
}

/** The same for a time. */
export function isTime(relation: Relation, column: string): boolean {
  return isOfType(relation, column, /^(timestamp|date)\b/);
}

function isOfType(relation: Relation, column: string, type: RegExp): boolean {
  const found = relation.columns.get(column);
  return found !== undefined && (found === UNKNOWN_TYPE || type.test(found));
}
