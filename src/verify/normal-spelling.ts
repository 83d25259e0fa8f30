/** `'draft'::character varying`, as the server prints a constant of a varchar; `E` where it has backslashes. */
const CONSTANT = /E?'(?:[^']|'')*'::character varying/g;

/** `(ARRAY['draft'::character varying, 'final'::character varying])::text[]` */
const CAST_ARRAY = new RegExp(
  `\\(ARRAY\\[((?:${CONSTANT.source})(?:, (?:${CONSTANT.source}))*)\\]\\)::text\\[\\]`,
  'g',
);

const MARK = '::character varying';

/**
 * A statement as the server prints it after one reload, where that differs from how it printed it before: `IN` over a
 * varchar column casts the array of its constants when it is created (`CHECK (status IN ('draft', 'final'))`), and each
 * constant once that was dumped and restored. Both mean the same.
 *
 * @returns undefined for a statement without such constants, which is printed the same each time
 */
export function normalSpelling(sql: Buffer): string | undefined {
  if (!sql.includes(MARK)) return undefined;
  return sql
    .toString('latin1')
    .replace(CAST_ARRAY, (_, constants: string) => `ARRAY[${castEach(constants)}]`);
}

function castEach(constants: string): string {
  return (constants.match(CONSTANT) ?? []).map((constant) => `(${constant})::text`).join(', ');
}
