import { unquote } from '../dump/sql-words.ts';
import { SKIPPED } from './bracket-tree.ts';
import { CAST, columnNameOf, NAME } from './printed-type.ts';

/** In this order: what is quoted may look like the others. */
const TOKEN = new RegExp(
  [
    `(?<cast>${CAST}(?:\\[\\])?)(?<collation> COLLATE ${NAME}(?:\\.${NAME})?\\))? AS (?<label>${NAME})`,
    '(?<values>\\(VALUES )',
    '(?<unconditional> ON TRUE\\b)',
    '(?<with>AS (?:NOT )?(?:MATERIALIZED )?\\()',
    '(?<bracket>[()])',
    '(?<query>SELECT|VALUES)\\b',
    '(?<setOperation>UNION|INTERSECT|EXCEPT)\\b',
    SKIPPED,
  ].join('|'),
  'g',
);

/**
 * A statement with its queries in one of the two ways in which the server prints them before and after a reload.
 *
 * - A column without a name (`EXISTS ( SELECT 'x'::text)`) gets that of its type when it is read with the cast that the
 *   server prints (`EXISTS ( SELECT 'x'::text AS text)`). Such a name is left out. The columns of a view keep it,
 *   because they are seen: were one of them printed without its name, the reload would change it.
 * - Rows in a set operation (`FROM (VALUES (1), (2))`) become a query of their own (`FROM ( VALUES (1), (2))`).
 * - An outer join without a condition (`NATURAL LEFT JOIN` of tables that share no column) is printed with one
 *   (`ON TRUE`), which is an expression like any other when it is read (`ON (true)`).
 *
 * @param text SQL in which each byte is one character
 */
export function spellQueries(text: string): string {
  const isSeen = watchColumns(text);
  return text.replace(TOKEN, (token: string, ...found: unknown[]) => {
    const groups = found.at(-1) as Groups;
    const { cast, collation = '', label, values, unconditional } = groups;
    const seen = isSeen(groups);
    if (cast !== undefined && label !== undefined) {
      return !seen && unquote(label) === columnNameOf(cast) ? `${cast}${collation}` : token;
    }
    if (unconditional !== undefined) return ' ON (true)';
    return values === undefined ? token : '( VALUES ';
  });
}

/**
 * Tells of each token whether it is of the columns of a view. These are the columns of its first query, which may be in
 * parentheses as part of a set operation (`( SELECT 'x'::text LIMIT 1) UNION …`), and come after queries in `WITH`.
 */
function watchColumns(text: string): (token: Groups) => boolean {
  let depth = 0;
  /** Whether the view's first query is still to come, or has not ended. */
  let isAwaited = /^CREATE (?:MATERIALIZED )?VIEW /.test(text);
  /** The depth of that query. */
  let first: number | undefined;
  /** The depth around a query in `WITH` that comes before it. */
  let within: number | undefined;
  return ({ collation, values, with: inWith, bracket, query, setOperation }) => {
    if (inWith !== undefined && first === undefined) within ??= depth;
    if (values !== undefined || inWith !== undefined || bracket === '(') depth += 1;
    if (bracket === ')' || collation !== undefined) depth -= 1;
    if (bracket === ')' && depth === within) within = undefined;
    if ((values ?? query) !== undefined && within === undefined) first ??= depth;
    if (setOperation !== undefined && first !== undefined && depth <= first) isAwaited = false;
    return isAwaited && depth === first;
  };
}

type Groups = Readonly<
  Partial<
    Record<
      | 'cast'
      | 'collation'
      | 'label'
      | 'values'
      | 'unconditional'
      | 'with'
      | 'bracket'
      | 'query'
      | 'setOperation',
      string
    >
  >
>;
