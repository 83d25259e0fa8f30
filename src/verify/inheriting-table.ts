import { type Piece, readBrackets } from './bracket-tree.ts';

/**
 * A `CREATE TABLE … INHERITS` with its columns and constraints sorted. A reload changes their order: the columns of the
 * parents come first then, also those that they have got after the table was made, or that it had before it inherited.
 *
 * @param text SQL in which each byte is one character
 * @returns undefined for any other statement
 */
export function sortInheriting(text: string): string | undefined {
  if (!text.startsWith('CREATE ') || !text.includes('\nINHERITS (')) return undefined;
  const pieces = readBrackets(text);
  const at = pieces?.findIndex(({ kind }) => kind === 'group') ?? -1;
  const list = pieces?.[at];
  const word = pieces?.[at + 2];
  if (list?.kind !== 'group' || word === undefined) return undefined;
  if (text.slice(word.start, word.end) !== 'INHERITS') return undefined;
  const items = splitList(text, list.inside).sort();
  return `${text.slice(0, list.start)}(${items.join(', ')})${text.slice(list.end)}`;
}

function splitList(text: string, pieces: readonly Piece[]): string[] {
  const commas = pieces.filter(({ kind, start }) => kind === 'sign' && text[start] === ',');
  const starts = [pieces[0]?.start ?? 0, ...commas.map(({ end }) => end)];
  const ends = [...commas.map(({ start }) => start), pieces.at(-1)?.end ?? 0];
  return starts.map((start, at) => text.slice(start, ends[at]).trim());
}
