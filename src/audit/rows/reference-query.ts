import pg from 'pg';
import { quoteTable, type Relation } from '../../postgres/relations.ts';
import { isArray, isText } from '../sources/column-types.ts';
import { placeholders, splitPattern } from '../sources/key-pattern.ts';
import type { MatchedSource } from '../sources/match-sources.ts';

const quote = pg.escapeIdentifier;
const literal = pg.escapeLiteral;

/** The expression that sorts the keys of a query by their UTF-8 bytes, as S3 lists them. */
export function byteOrder(serverEncoding: string): string {
  // Only in these two encodings does the server compare the same bytes that it sends.
  return ['UTF8', 'SQL_ASCII'].includes(serverEncoding) ? 'key COLLATE "C"' : `convert_to(key, 'UTF8')`;
}

/**
 * The query for all keys and prefixes that rows own, in byte order. Columns: `key`, with the media prefix; `source`,
 * its index in `sources`; `young`, whether the row was written at `cutoff` or later; `id`, the primary key as text.
 *
 * @param mediaPrefix as used in the bucket, with its slash: `media/`, or '' for the whole bucket
 */
export function referenceQuery(
  sources: readonly MatchedSource[],
  options: { readonly mediaPrefix: string; readonly cutoff: Date; readonly serverEncoding: string },
): string {
  const selects = sources.map((source, index) => {
    const { relation } = source;
    return `SELECT ${keyExpression(source, options.mediaPrefix)} AS key, ${index} AS source,
      ${youngExpression(source, options.cutoff)} AS young, ${idExpression(relation)} AS id
    FROM ${quoteTable(relation)} WHERE ${ownsSomething(source)}`;
  });
  return `SELECT key, source, young, id FROM (
    ${selects.join('\n    UNION ALL ')}
  ) AS reference ORDER BY ${byteOrder(options.serverEncoding)}, source, id`;
}

/** The primary key as one text; a comma in a column is escaped, to distinguish it from the one between columns. */
export function idExpression({ primaryKey }: Relation): string {
  const [only] = primaryKey;
  return primaryKey.length === 1 && only !== undefined
    ? `${quote(only)}::text`
    : `concat_ws(',', ${primaryKey.map(escaped).join(', ')})`;
}

function escaped(column: string): string {
  return `replace(replace(${quote(column)}::text, ${literal('\\')}, ${literal('\\\\')}), ',', ${literal('\\,')})`;
}

/** The condition for rows whose primary keys are among the texts in parameter `$1`. */
export function idCondition(relation: Relation): string {
  const [only] = relation.primaryKey;
  const type = only === undefined ? undefined : relation.columns.get(only);
  // Where possible the column itself is compared, so that its index can be used. There are no arrays of arrays.
  return relation.primaryKey.length === 1 && only !== undefined && !isArray(type)
    ? `${quote(only)} = ANY ($1::text[]::${type}[])`
    : `${idExpression(relation)} = ANY ($1::text[])`;
}

/**
 * The key in the bucket. As in Django's storage, a row's key is always relative to the media prefix, whatever it
 * begins with; a leading slash, with which Django refuses to read it, is dropped.
 */
export function keyExpression({ owned }: MatchedSource, mediaPrefix: string): string {
  if (owned.kind === 'key') {
    return `${literal(mediaPrefix + owned.under)} || ltrim(${quote(owned.column)}::text, '/')`;
  }
  const parts = splitPattern(owned.pattern).map((part) =>
    'text' in part ? literal(part.text) : `${quote(part.column)}::text`,
  );
  return [literal(mediaPrefix), ...parts].join(' || ');
}

/** The condition for rows that own anything by this source. */
export function ownsSomething({ relation, owned }: MatchedSource): string {
  if (owned.kind === 'key') return `ltrim(${quote(owned.column)}::text, '/') <> ''`;
  // An empty value would make one row's prefix cover those of all others.
  const given = placeholders(owned.pattern).map((column) => `${quote(column)}::text <> ''`);
  if (owned.unless === undefined) return given.join(' AND ');
  const empty = isText(relation, owned.unless)
    ? `coalesce(${quote(owned.unless)}, '') = ''`
    : `${quote(owned.unless)} IS NULL`;
  return [...given, empty].join(' AND ');
}

function youngExpression({ written }: MatchedSource, cutoff: Date): string {
  if (written.length === 0) return 'false';
  // GREATEST ignores nulls.
  const latest = `greatest(${written.map((column) => `${quote(column)}::timestamptz`).join(', ')})`;
  return `coalesce(${latest} >= ${literal(cutoff.toISOString())}::timestamptz, false)`;
}
