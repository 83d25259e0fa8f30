import { type AuditReport, agrees } from '../audit/audit-media.ts';
import { type Finding, type FindingKind, type FindingSink, KINDS } from '../audit/finding.ts';
import { escapeInLines, joinLines } from '../ui/controls.ts';
import { formatBytes, formatCount, formatNumber, formatObjects, formatTime } from '../ui/format.ts';
import { renderTable, right } from '../ui/table.ts';
import { firstFindings } from './first-findings.ts';

/** What an audit of a database or a backup reports besides its findings. */
export type ReportHead = Omit<AuditReport, 'database' | 'unread' | 'unreadTables'> & {
  readonly backup?: string;
  readonly database: string | null;
} & Partial<Pick<AuditReport, 'unread' | 'unreadTables'>>;

/** Where the result of an audit goes. */
export interface AuditOutput extends FindingSink {
  /** @param label for people: adds what they know rows by to a few findings that came without */
  end(report: ReportHead, label?: LabelFindings): Promise<void>;
}

/** Adds to findings what people know their rows by; undefined if that cannot be determined. */
export type LabelFindings = (findings: readonly Finding[]) => Promise<readonly Finding[] | undefined>;

/** Tables for people: the totals, and the first findings of each kind. */
export function textOutput(write: (text: string) => Promise<void>): AuditOutput {
  const first = firstFindings<Finding>();
  return {
    write: first.write,
    async end(report, label) {
      const labelled = report.backup === undefined ? first.all : await label?.(first.all);
      const text = renderReport(report, labelled ?? first.all, labelled !== undefined);
      await write(`${escapeInLines(text)}\n`);
    },
  };
}

function renderReport(report: ReportHead, first: readonly Finding[], labelled: boolean): string {
  const { at, database, backup, bucket, prefix, era, references, objects, bytes, totals } = report;
  const what =
    backup === undefined
      ? `database ${database}`
      : `backup ${backup} of ${database ?? 'an unknown database'}`;
  const head = [
    `${what}, bucket ${bucket}, prefix ${prefix || '/'}, at ${formatTime(new Date(at))}`,
    `${era === null ? '' : `TopoBank era ${era}: `}${formatNumber(references, 'reference')}, ${formatObjects({ count: objects, bytes })}`,
  ];
  const parts = [joinLines(head), renderTotals(report)];
  for (const kind of KINDS) {
    const count = totals[kind]?.count ?? 0;
    const shown = first.filter((finding) => finding.kind === kind);
    if (count > 0) parts.push(renderKind(kind, shown, count, labelled));
  }
  parts.push(renderVerdict(report));
  return parts.join('\n\n');
}

function renderVerdict(report: ReportHead): string {
  const { backup, unread = [], unreadTables = [] } = report;
  const { dangling, orphan } = report.totals;
  const problems = [
    ...(dangling?.count ? [`${formatCount(dangling.count)} dangling`] : []),
    ...(orphan?.count ? [`${formatCount(orphan.count)} orphaned (${formatBytes(orphan.bytes)})`] : []),
  ];
  if (problems.length > 0) {
    const unsure = [
      ...(unread.length > 0 ? [`backup ${unread.map(({ id }) => id).join(', ')}`] : []),
      ...(unreadTables.length > 0 ? ['rows that cannot be read'] : []),
    ];
    return `${problems.join(', ')}${unsure.length > 0 ? `; not compared with ${unsure.join(' or ')}` : ''}`;
  }
  if (!agrees(report))
    return `what could be read agrees, but not all rows that may own objects could: ${unreadTables.join('; ')}`;
  return backup === undefined ? 'rows and objects agree' : 'every object that its rows name exists';
}

function renderTotals({ byPrefix, totals, objects, bytes }: ReportHead): string {
  const sought = KINDS.filter((kind) => totals[kind] !== null);
  const show = (count: number) => (count === 0 ? '-' : formatCount(count));
  const rows = [...byPrefix, { prefix: 'all', objects, bytes, totals }].map((entry) => [
    entry.prefix || '/',
    show(entry.objects),
    formatBytes(entry.bytes),
    ...sought.map((kind) => show(entry.totals[kind]?.count ?? 0)),
  ]);
  return renderTable(['prefix', ...['objects', 'size', ...sought].map(right)], rows);
}

const MEANINGS: Readonly<Record<FindingKind, string>> = {
  dangling: 'rows without their object',
  orphan: 'objects without a row',
  pending: 'rows without their object, younger than the grace period',
  empty: 'objects of 0 bytes that a row names',
  shared: 'keys that several rows name',
  protected: 'objects without a row that a kept backup needs',
};

function renderKind(
  kind: FindingKind,
  findings: readonly Finding[],
  count: number,
  labelled: boolean,
): string {
  const columns = columnsOf(kind, labelled);
  const table = renderTable(
    columns.map(([title]) => title),
    findings.map((finding) => columns.map(([, read]) => read(finding))),
  );
  const left = count - findings.length;
  const more =
    left > 0 ? `\nand ${formatCount(left)} more: --json, --ndjson FILE or --csv FILE lists them all` : '';
  return `${kind}: ${MEANINGS[kind]}\n${table}${more}`;
}

type Read = (finding: Finding) => string;

const KEY: readonly [string, Read] = ['key', ({ key }) => key];
const SIZE: readonly [string, Read] = [
  'size',
  (finding) => ('bytes' in finding ? formatBytes(finding.bytes) : ''),
];
const MODIFIED: readonly [string, Read] = [
  'last modified',
  (finding) => ('lastModified' in finding ? formatTime(new Date(finding.lastModified)) : ''),
];
const ROW: readonly [string, Read] = [
  'row',
  (finding) => ('table' in finding ? `${finding.table}.${finding.column} ${finding.primaryKey}` : ''),
];
const LABELS = (['topography', 'surface', 'owner'] as const).map((label): readonly [string, Read] => [
  label,
  (finding) => ('owner' in finding ? (finding[label] ?? '-') : ''),
]);
const ROWS: readonly [string, Read] = [
  'rows',
  (finding) => {
    if (finding.kind !== 'shared') return '';
    const shown = finding.references.map(
      ({ table, column, primaryKey }) => `${table}.${column} ${primaryKey}`,
    );
    return finding.rows > shown.length
      ? `${shown.join(', ')} and ${finding.rows - shown.length} more`
      : shown.join(', ');
  },
];
const BACKUPS: readonly [string, Read] = [
  'backups',
  (finding) => (finding.kind === 'protected' ? finding.backups.join(', ') : ''),
];

/** @param labelled false if labels were not looked for */
function columnsOf(kind: FindingKind, labelled: boolean): readonly (readonly [title: string, read: Read])[] {
  switch (kind) {
    case 'dangling':
    case 'pending':
    case 'empty':
      return [KEY, ROW, ...(labelled ? LABELS : [])];
    case 'orphan':
      return [KEY, SIZE, MODIFIED];
    case 'shared':
      return [KEY, SIZE, ROWS];
    case 'protected':
      return [KEY, SIZE, BACKUPS];
  }
}
