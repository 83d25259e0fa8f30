import Table from 'cli-table3';
import { escapeControls } from './controls.ts';

interface Column {
  readonly title: string;
  /** To the left by default. */
  readonly align?: 'right';
  /** Whether its cells may be broken into lines if the table would be too wide. */
  readonly wraps?: true;
}

/** A column of numbers. */
export function right(title: string): Column {
  return { title, align: 'right' };
}

const GAP = '  ';
/** Minimum width of a column that wraps, in characters. */
const NARROWEST = 16;

const NONE = '';
const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) => [
    [side, NONE],
    [`${side}-mid`, NONE],
    [`${side}-left`, NONE],
    [`${side}-right`, NONE],
  ]),
);

/**
 * Formats rows under titles, in aligned columns without lines between them. Control characters in a cell are escaped.
 *
 * @param titles the columns; one that is aligned to the left and does not wrap is given by its title
 * @param width that of the terminal, in characters; if undefined, no cell is broken into lines
 */
export function renderTable(
  titles: readonly (string | Column)[],
  rows: readonly (readonly string[])[],
  width?: number,
): string {
  const columns = titles.map((column): Column => (typeof column === 'string' ? { title: column } : column));
  const table = new Table({
    head: columns.map(({ title }) => title.toUpperCase()),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: { ...NO_LINES, middle: GAP, 'mid-mid': NONE, 'left-mid': NONE, 'right-mid': NONE },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  const shown = rows.map((row) => row.map(escapeControls));
  const widths = width === undefined ? undefined : fitColumns(columns, shown, width);
  table.push(...shown.map((row) => row.map((cell, at) => breakLines(cell, widths?.[at]))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** The widths of the columns: each its natural width or, if it wraps, at most its share of what the others leave. */
function fitColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly number[] {
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const widthOf = (at: number) => widths[at] ?? 0;
  const wrapping = [...columns.keys()].filter((at) => columns[at]?.wraps === true);
  const fixed = [...columns.keys()].filter((at) => !wrapping.includes(at));
  let room = fixed.reduce((rest, at) => rest - widthOf(at), width - GAP.length * (columns.length - 1));
  // The narrow ones first, so that the others get what they leave.
  for (const [index, at] of wrapping.toSorted((a, b) => widthOf(a) - widthOf(b)).entries()) {
    const share = Math.max(NARROWEST, Math.floor(room / (wrapping.length - index)));
    widths[at] = Math.min(widthOf(at), share);
    room -= widthOf(at);
  }
  return widths;
}

/** Breaks a text at spaces; a longer word, such as an address, stays whole, so that it can be copied. */
function breakLines(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines.splice(-1, 1, `${line} ${word}`);
    else lines.push(word);
  }
  return lines.join('\n');
}
