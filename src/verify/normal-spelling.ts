import { STATEMENT_HEAD } from '../dump/statement-reader.ts';
import { type Piece, readBrackets } from './bracket-tree.ts';
import { CAST, NAME } from './printed-type.ts';
import { spellQueries } from './query-spelling.ts';

const ARRAY_CAST = new RegExp(`(?<type>${CAST})\\[\\]`, 'y');
const CASTS = new RegExp(`(?:${CAST}(?:\\[\\])?)*`, 'y');
const COLLATION = new RegExp(` COLLATE ${NAME}(?:\\.${NAME})?`, 'y');

/** What a statement contains if it may be printed otherwise after a reload, before or after that. */
const MARKS = ['::', '(VALUES ', '( VALUES ', ' ON TRUE', ' ON (true)', 'ARRAY['];

/**
 * A statement in one of the ways in which the server prints it, where it prints it otherwise once it has been reloaded.
 * Its queries are spelled by {@link spellQueries}. An array that is cast (`(ARRAY['a'::character varying])::text[]`) is
 * read as one whose elements are (`ARRAY[('a'::character varying)::text]`), and printed like that from then on. Both
 * mean the same. Any `CHECK (status IN ('draft', 'final'))` over a varchar column has such an array.
 *
 * @returns undefined for a statement that has only one spelling, and for one that is not held whole
 */
export function normalSpelling(sql: Buffer): string | undefined {
  if (sql.length >= STATEMENT_HEAD || !MARKS.some((mark) => sql.includes(mark))) return undefined;
  const text = spellQueries(sql.toString('latin1'));
  const pieces = text.includes('ARRAY[') ? readBrackets(text) : undefined;
  return pieces === undefined ? text : spell(text, pieces);
}

/** The pieces as they are, but the cast of an array on each of its elements. */
function spell(text: string, pieces: readonly Piece[]): string {
  let spelled = '';
  let done = 0;
  for (const piece of pieces) {
    // The type of the previous piece's cast.
    if (piece.start < done) continue;
    done = piece.end;
    const cast = readCastArray(text, piece);
    if (cast === undefined || cast.type === '') {
      spelled += spellPiece(text, piece);
      continue;
    }
    spelled += spellArray(text, cast.array, cast.type);
    done = cast.end;
  }
  return spelled;
}

function spellPiece(text: string, piece: Piece): string {
  switch (piece.kind) {
    case 'group':
      return `${piece.open}${spell(text, piece.inside)}${piece.open === '(' ? ')' : ']'}`;
    case 'array':
      return spellArray(text, piece, '');
    default:
      return text.slice(piece.start, piece.end);
  }
}

type ArrayPiece = Extract<Piece, { kind: 'array' }>;

/** An array, which may be in parentheses. */
function arrayIn(piece: Piece): ArrayPiece | undefined {
  if (piece.kind === 'array') return piece;
  if (piece.kind !== 'group' || piece.open !== '(') return undefined;
  const [only, ...others] = piece.inside;
  return only?.kind === 'array' && others.length === 0 ? only : undefined;
}

/** An array, what its elements are cast to (`::text`; or nothing), and where that ends. */
interface CastArray {
  readonly array: ArrayPiece;
  readonly type: string;
  readonly end: number;
}

/** @returns undefined also for an array without elements, which could not have its cast */
function readCastArray(text: string, piece: Piece): CastArray | undefined {
  const array = arrayIn(piece);
  if (array === undefined || array.elements.every((pieces) => pieces.length === 0)) return undefined;
  const cast = matchAt(ARRAY_CAST, text, piece.end);
  return { array, type: cast?.groups?.type ?? '', end: piece.end + (cast?.[0].length ?? 0) };
}

/** @param cast what to cast each element to, `::text`; or nothing */
function spellArray(text: string, { elements }: ArrayPiece, cast: string): string {
  const inner = elements.map((pieces) => unwrap(text, pieces));
  const arrays = inner.map((pieces) => readArrayElement(text, pieces));
  // Beside an array, every other element is one too, whatever it looks like.
  const whole = cast !== '' && arrays.some((array) => array !== undefined) ? `${cast}[]` : cast;
  const spelled = inner.map((pieces, at) => {
    const array = arrays[at];
    return array === undefined
      ? spellElement(text, pieces, whole)
      : spellArray(text, array.array, array.type + cast);
  });
  return `ARRAY[${spelled.join(', ')}]`;
}

/** @returns undefined unless the element is an array, and nothing else */
function readArrayElement(text: string, pieces: readonly Piece[]): CastArray | undefined {
  const [first] = pieces;
  const cast = first && readCastArray(text, first);
  return cast?.end === pieces.at(-1)?.end ? cast : undefined;
}

/** @param pieces as {@link unwrap} leaves them */
function spellElement(text: string, pieces: readonly Piece[], cast: string): string {
  const { expression, isClosed, collation } = readElement(text, pieces);
  const closed = isClosed || cast === '' ? expression : `(${expression})`;
  return `${closed}${cast}${collation}`;
}

/**
 * Without white space around it, and without parentheses around all of it, unless these make it a row or hold a query
 * together.
 */
function unwrap(text: string, pieces: readonly Piece[]): readonly Piece[] {
  const first = pieces.findIndex(({ kind }) => kind !== 'space');
  const last = pieces.findLastIndex(({ kind }) => kind !== 'space');
  const inner = first < 0 ? [] : pieces.slice(first, last + 1);
  const [only] = inner;
  const isWrapped = inner.length === 1 && only?.kind === 'group' && only.open === '(';
  return isWrapped && !only.inside.some((piece) => holdsTogether(text, piece))
    ? unwrap(text, only.inside)
    : inner;
}

function holdsTogether(text: string, { kind, start, end }: Piece): boolean {
  if (kind === 'sign') return text[start] === ',';
  return kind === 'word' && /^(?:SELECT|WITH|VALUES)$/.test(text.slice(start, end));
}

interface Element {
  readonly expression: string;
  /** Whether a cast may follow without parentheses: `'a'::text`, `f(x)`, `t."A"`. */
  readonly isClosed: boolean;
  /** A cast comes before it: ` COLLATE "C"`. */
  readonly collation: string;
}

/** An operand with casts, which need no parentheses between them, and its collation; or any other expression. */
function readElement(text: string, pieces: readonly Piece[]): Element {
  const [first] = pieces;
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) return { expression: '', isClosed: true, collation: '' };
  const operand = readOperand(text, pieces);
  const end = operand.at(-1)?.end ?? first.start;
  const casts = matchAt(CASTS, text, end)?.[0] ?? '';
  const collation = matchAt(COLLATION, text, end + casts.length)?.[0] ?? '';
  if (operand.length === 0 || end + casts.length + collation.length !== last.end) {
    return { expression: spell(text, pieces), isClosed: false, collation: '' };
  }
  const [group] = operand;
  if (operand.length > 1 || group?.kind !== 'group' || group.open !== '(') {
    return { expression: `${spell(text, operand)}${casts}`, isClosed: true, collation };
  }
  const inner = readElement(text, unwrap(text, group.inside));
  const isOperand = inner.isClosed && inner.collation === '';
  const expression = `${inner.expression}${inner.collation}`;
  return { expression: `${isOperand ? expression : `(${expression})`}${casts}`, isClosed: true, collation };
}

/** The pieces at the beginning that nothing separates: a constant, a name, a call, or what is in parentheses. */
function readOperand(text: string, pieces: readonly Piece[]): readonly Piece[] {
  const end = pieces.findIndex(
    (piece) => piece.kind === 'space' || (piece.kind === 'sign' && text[piece.start] !== '.'),
  );
  return end < 0 ? pieces : pieces.slice(0, end);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
