import type { Relation } from '../../postgres/relations.ts';

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

/**
 * The type of a column whose values read otherwise in a dump than as text (manual §9.4 and the types' own sections):
 * `t` for `true`, padded with spaces, without a netmask; or as a setting of the session has it: the time zone, the
 * currency, the search path. Undefined for any other column.
 */
export function typeReadOtherwise({ columns }: Relation, column: string): string | undefined {
  const type = columns.get(column);
  return type !== undefined && READ_OTHERWISE.test(type) ? type : undefined;
}

const READ_OTHERWISE =
  /^(boolean\b|character\(|bpchar\b|inet$|money\b|(timestamp|time)\b.* with time zone|reg(class|collation|config|dictionary|namespace|oper|operator|proc|procedure|role|type)\b)/;

/** Whether values of a type are arrays, whose text is none of what they hold: `{a,b}`. */
export function isArray(type: string | undefined): boolean {
  return type?.endsWith('[]') === true;
}

function isOfType(relation: Relation, column: string, type: RegExp): boolean {
  const found = relation.columns.get(column);
  return found !== undefined && (found === UNKNOWN_TYPE || (type.test(found) && !isArray(found)));
}
