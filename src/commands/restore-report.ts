import pg from 'pg';
import type { DumpSource } from '../catalog/dump-source.ts';
import { dropStatements } from '../postgres/subscriptions.ts';
import type { RestoreReport } from '../restore/restore.ts';
import { escapeControls, joinLines } from '../ui/controls.ts';
import { formatBytes, formatContents, formatCount, formatDuration, formatNumber } from '../ui/format.ts';

/** What a restore did, in `ms` milliseconds, and what became of the previous databases: lines for people. */
export function renderReport(source: DumpSource, report: RestoreReport, ms: number): string {
  const { database, only, bytes, bytesRead } = report;
  if (only !== undefined) {
    const each = only.map(({ table, rows: own }) => `${table} (${formatNumber(own, 'row')})`).join(', ');
    return escapeControls(
      `restored ${each} from ${source.name} into database ${database}, where all other tables are empty: read ${formatBytes(bytesRead)} of ${formatBytes(bytes)}, in ${formatDuration(ms)}`,
    );
  }
  return joinLines([
    `restored ${source.name} into database ${database}: ${formatContents(report)}, in ${formatDuration(ms)}`,
    ...renderRefused(report),
    ...(report.kept === undefined ? [] : renderKept(report, report.kept)),
    ...renderSubscriptions(report),
    ...renderFollowers(report),
    ...renderDropped(report),
  ]);
}

/** How many refused statements to show to people. */
const SHOWN = 20;

function renderRefused({ database, refused = [] }: RestoreReport): string[] {
  if (refused.length === 0) return [];
  const more = refused.length - SHOWN;
  return [
    `database ${database} lacks what the server refused after the rows; once its cause is mended, run these statements of the dump again:`,
    ...refused.slice(0, SHOWN).map((each) => `  ${each}`),
    ...(more > 0 ? [`  and ${formatCount(more)} more, named in the log above`] : []),
  ];
}

/** Says that the next restore drops it only if it will be able to. */
function renderKept({ notDropped, subscriptions }: RestoreReport, kept: string): string[] {
  const until = `the old database is kept as ${kept}`;
  if (subscriptions.refused.length === 0) {
    if (notDropped.some(({ name }) => name === kept)) return [until];
    return [`${until}; the next \`restore\` drops it, unless --in-place or --into is given`];
  }
  const { refused } = subscriptions;
  const names = refused.map(({ name }) => name).join(', ');
  const drop = refused.flatMap(({ name }) => dropStatements(name));
  return [
    `${until}; this role may not alter its subscriptions (${names}): ${refused[0]?.why}; they keep it from being dropped and, if enabled, still receive changes — to drop them, run in that database as a role that may: ${drop.join(' ')}`,
  ];
}

/** The publishers' slots have advanced past what the old database received. */
function renderSubscriptions({ database, kept, subscriptions }: RestoreReport): string[] {
  const { disabled, resume } = subscriptions;
  if (disabled.length === 0) return [];
  const alone = kept === undefined ? 'were lost with it' : 'exist only there';
  const stopped = `the old database’s subscriptions (${disabled.join(', ')}) are disabled; changes it received since the backup ${alone}`;
  if (resume.length === 0) return [stopped];
  return [`${stopped}; to let database ${database} receive later changes, run in it: ${resume.join(' ')}`];
}

/**
 * A subscription can be dropped with its slot, or without one, but not while its slot is missing. Recovery ends the
 * sessions of a standby in a database that is dropped, but not in one that is renamed.
 */
function renderFollowers({ database, kept, followers: { slots, standbys } }: RestoreReport): string[] {
  const lines: string[] = [];
  if (slots.length > 0) {
    const [fate, drop] =
      kept === undefined
        ? [
            'were dropped with the old database',
            'disable its subscription, set its slot_name to NONE, drop it',
          ]
        : [
            'stay with the old database and make this server keep all WAL until they are dropped',
            'drop its subscription',
          ];
    lines.push(
      `logical replication slots (${slots.join(', ')}) ${fate}: to follow database ${database} again, a subscriber has to ${drop}, empty its tables and create the subscription again`,
    );
  }
  if (kept !== undefined && standbys.length > 0) {
    lines.push(
      `sessions on standbys (${standbys.join(', ')}) are not ended and still read the old database; to end them, run on each: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${pg.escapeLiteral(kept)};`,
    );
  }
  return lines;
}

function renderDropped({ dropped, notDropped, unusedSlots }: RestoreReport): string[] {
  return [
    ...dropped.map((name) => `dropped database ${name}`),
    ...notDropped.map(({ name, why }) => `database ${name} was not dropped: ${why}`),
    ...unusedSlots.map(
      (slot) =>
        `replication slot ${slot} is no longer used by any subscription of this server, but makes its publisher keep all WAL until it is dropped there: SELECT pg_drop_replication_slot(${pg.escapeLiteral(slot)});`,
    ),
  ];
}
