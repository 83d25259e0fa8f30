/** A piece of SQL, with the position of its first character and of the one behind it in the text. */
export type Piece = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'word' | 'quoted' | 'space' | 'sign' }
  /** What is between brackets. */
  | { readonly kind: 'group'; readonly open: '(' | '['; readonly inside: readonly Piece[] }
  /** `ARRAY[…]`, with its elements. */
  | { readonly kind: 'array'; readonly elements: readonly (readonly Piece[])[] }
);

/** PostgreSQL itself reads no expression that is nested much deeper (`max_stack_depth`). */
const DEEPEST = 1000;

/** What is quoted. A doubled quote is treated as the end of one string and the beginning of another. */
const QUOTED = /'[^']*'|"[^"]*"|\$(?<tag>[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$[\s\S]*?\$\k<tag>\$/.source;
const WORD = /[\w\x80-\xff][\w$\x80-\xff]*/.source;
const TOKEN = new RegExp(`(?<quoted>${QUOTED})|(?<word>${WORD})|(?<space>\\s+)|[\\s\\S]`, 'y');

/** A pattern of what is quoted, or a word, in SQL in which each byte is one character. */
export const SKIPPED = `${QUOTED}|${WORD}`;

/**
 * Reads a statement as a tree of its brackets.
 *
 * @param text SQL in which each byte is one character
 * @returns undefined if the brackets do not match, or are nested too deeply
 */
export function readBrackets(text: string): readonly Piece[] | undefined {
  let at = 0;

  /** Reads up to a bracket or, in a list, a comma that does not belong to any of the pieces. */
  function read(depth: number, inList: boolean): Piece[] | undefined {
    if (depth > DEEPEST) return undefined;
    const pieces: Piece[] = [];
    while (at < text.length) {
      const start = at;
      TOKEN.lastIndex = at;
      const found = TOKEN.exec(text);
      const sign = text[at];
      if (found === null || sign === ')' || sign === ']' || (inList && sign === ',')) return pieces;
      at += found[0].length;
      if (found[0] === 'ARRAY' && text[at] === '[') {
        at += 1;
        const elements = list(depth + 1);
        if (elements === undefined) return undefined;
        pieces.push({ kind: 'array', elements, start, end: at });
      } else if (sign === '(' || sign === '[') {
        const inside = read(depth + 1, false);
        if (inside === undefined || text[at] !== (sign === '(' ? ')' : ']')) return undefined;
        at += 1;
        pieces.push({ kind: 'group', open: sign, inside, start, end: at });
      } else {
        pieces.push({ kind: kindOf(found), start, end: at });
      }
    }
    return pieces;
  }

  function list(depth: number): (readonly Piece[])[] | undefined {
    const elements: (readonly Piece[])[] = [];
    for (;;) {
      const element = read(depth, true);
      const sign = text[at];
      if (element === undefined || (sign !== ',' && sign !== ']')) return undefined;
      at += 1;
      elements.push(element);
      if (sign === ']') return elements;
    }
  }

  const pieces = read(0, false);
  return at === text.length ? pieces : undefined;
}

function kindOf({ groups = {} }: RegExpExecArray): 'word' | 'quoted' | 'space' | 'sign' {
  if (groups.quoted !== undefined) return 'quoted';
  if (groups.word !== undefined) return 'word';
  return groups.space === undefined ? 'sign' : 'space';
}
