import { unquote } from '../dump/sql-words.ts';
import { SKIPPED } from './bracket-tree.ts';
import { CAST, columnNameOf, NAME } from './printed-type.ts';

/** In this order: what is quoted may look like the others. */
const TOKEN = new RegExp(
  [
    `(?<cast>${CAST}(?:\\[\\])?)(?<collation> COLLATE ${NAME}(?:\\.${NAME})?\\))? AS (?<label>${NAME})`,
    '(?<values>\\(VALUES )',
    '(?<bracket>[()])',
    '\\n *(?<setOperation>UNION|INTERSECT|EXCEPT)\\b',
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
 *
 * @param text SQL in which each byte is one character
 */
export function spellQueries(text: string): string {
  let depth = 0;
  let isOfView = /^CREATE (?:MATERIALIZED )?VIEW /.test(text);
  return text.replace(TOKEN, (token: string, ...found: unknown[]) => {
    const { cast, collation = '', label, values, bracket, setOperation } = found.at(-1) as Groups;
    if (cast !== undefined && label !== undefined) {
      if (collation !== '') depth -= 1;
      const isSeen = isOfView && depth === 0;
      return !isSeen && unquote(label) === columnNameOf(cast) ? `${cast}${collation}` : token;
    }
    if (values !== undefined || bracket === '(') depth += 1;
    if (bracket === ')') depth -= 1;
    if (setOperation !== undefined && depth === 0) isOfView = false;
    return values === undefined ? token : '( VALUES ';
  });
}

type Groups = Readonly<
  Partial<Record<'cast' | 'collation' | 'label' | 'values' | 'bracket' | 'setOperation', string>>
>;
