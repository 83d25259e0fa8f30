import { unquote } from '../dump/sql-words.ts';

/** A name as the server prints it, in a text in which each byte is one character. */
export const NAME = '(?:"[^"]*"(?:"[^"]*")*|[A-Za-z_\\x80-\\xff][\\w$\\x80-\\xff]*)';
const MORE = '(?: (?:varying|precision|with|without|time|zone|year|month|day|hour|minute|second|to)\\b){0,6}';
/** A cast as the server prints it: `::numeric(5,2)`, `::timestamp(3) without time zone`, `::public.status`. */
export const CAST = `::${NAME}(?:\\.${NAME})?${MORE}(?:\\(\\d+(?:,-?\\d+)?\\))?${MORE}`;

/** The types that SQL calls otherwise than `pg_type` does. */
const NAMES_IN_CATALOG: Readonly<Record<string, string>> = {
  bigint: 'int8',
  'bit varying': 'varbit',
  boolean: 'bool',
  character: 'bpchar',
  'character varying': 'varchar',
  'double precision': 'float8',
  integer: 'int4',
  real: 'float4',
  smallint: 'int2',
  'time with time zone': 'timetz',
  'time without time zone': 'time',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
};

const LAST_NAME = new RegExp(`${NAME}$`);

/**
 * The name that a column without one gets from the type that its value is cast to.
 *
 * @param cast as the server prints it, also to an array: `::character varying(5)[]`
 */
export function columnNameOf(cast: string): string {
  const type = cast
    .slice(2)
    .replace(/\[\]$/, '')
    .replace(/\([\d,-]+\)/, '');
  if (/^interval\b/.test(type)) return 'interval';
  return NAMES_IN_CATALOG[type] ?? unquote(LAST_NAME.exec(type)?.[0] ?? type);
}
