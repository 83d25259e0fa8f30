import Table from 'cli-table3';

interface Column {
  readonly title: string;
  /** `left` where it is left out. */
  readonly align?: 'left' | 'right';
}

const NONE = '';
const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) => [
    [side, NONE],
    [`${side}-mid`, NONE],
    [`${side}-left`, NONE],
    [`${side}-right`, NONE],
  ]),
);

/** Rows under titles, in columns that align, without lines between them. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(({ title }) => title.toUpperCase()),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: { ...NO_LINES, middle: '  ', 'mid-mid': NONE, 'left-mid': NONE, 'right-mid': NONE },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
