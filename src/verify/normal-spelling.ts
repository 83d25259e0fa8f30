import { STATEMENT_HEAD } from '../dump/statement-reader.ts';

const MARK = '::character varying';
const OPEN = '(ARRAY[';
const CLOSE = '])::text[]';

/**
 * A statement as the server prints it after one reload, where that differs from how it printed it before: `IN` over a
 * varchar column casts the array of its elements when it is created (`CHECK (status IN ('draft', 'final'))`), and each
 * element once that was dumped and restored. Both mean the same.
 *
 * @returns undefined for a statement without varchar constants, and for one that is not held whole
 */
export function normalSpelling(sql: Buffer): string | undefined {
  if (sql.length >= STATEMENT_HEAD || !sql.includes(MARK)) return undefined;
  const text = sql.toString('latin1');
  const parts: string[] = [];
  let done = 0;
  for (let at = text.indexOf(OPEN); at >= 0; at = text.indexOf(OPEN, at + 1)) {
    const elements = splitElements(text, at + OPEN.length);
    if (elements === undefined || !text.startsWith(CLOSE, elements.end)) continue;
    parts.push(text.slice(done, at), `ARRAY[${elements.all.map((each) => `(${each})::text`).join(', ')}]`);
    done = elements.end + CLOSE.length;
  }
  return [...parts, text.slice(done)].join('');
}

/** A quoted string or name, whose quotes are doubled within; or one character. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[\s\S]/y;

/** Splits what is between brackets at its commas, from `start` on; undefined if it does not end. */
function splitElements(
  text: string,
  start: number,
): { readonly all: readonly string[]; readonly end: number } | undefined {
  const all: string[] = [];
  let from = start;
  let depth = 0;
  for (let at = start; at < text.length; ) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0] ?? '';
    if (depth === 0 && (token === ',' || token === ']')) {
      all.push(text.slice(from, at).trim());
      from = at + 1;
      if (token === ']') return { all, end: at };
    }
    if (token === '(' || token === '[') depth += 1;
    if (token === ')' || token === ']') depth -= 1;
    at += token.length;
  }
  return undefined;
}
