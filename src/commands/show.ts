import type { Backup } from '../catalog/backup.ts';
import { findNamed } from '../catalog/choose-backup.ts';
import { showTableName } from '../catalog/find-table.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { lacksRows } from '../catalog/media-manifest.ts';
import { type Check, describeFaults } from '../catalog/verification.ts';
import { EXIT } from '../errors.ts';
import { escapeControls } from '../ui/controls.ts';
import { formatBytes, formatCount, formatObjects, formatTime } from '../ui/format.ts';
import { renderTable, right } from '../ui/table.ts';
import { readBackupId } from './backup-id.ts';
import { summarize } from './backup-summary.ts';
import { chooseFor } from './choose.ts';
import { SHOW_GROUPS } from './groups.ts';
import { type CommonOptions, type Invocation, openSession, withStore } from './session.ts';
import { showDiff } from './show-diff.ts';

/** The options of `show`, as given. */
interface ShowFlags extends CommonOptions {
  readonly diff?: string;
}

/** `show ID`: what is known about a backup, or what changed since another one. */
export async function run(invocation: Invocation, id: string): Promise<number> {
  const { diff } = invocation.options as ShowFlags;
  if (diff !== undefined) {
    await showDiff(invocation, id, diff);
    return EXIT.done;
  }
  const session = openSession(invocation, SHOW_GROUPS);
  const { config, signal } = session;
  const wanted = readBackupId(id, 'ID');
  const backup = await withStore(session, (store) =>
    // A broken backup can be shown too.
    wanted.by === 'id'
      ? findNamed({ store, prefix: config.prefix }, wanted, `cannot show backup ${wanted.id}`, signal)
      : chooseFor(session, store, wanted),
  );
  session.print(
    {
      ...summarize(backup, config.prefix),
      fault: backup.state === 'broken' ? backup.fault : null,
      manifest: backup.manifest ?? null,
    },
    render(backup),
  );
  return EXIT.done;
}

/** `2026-11-24 03:00:00 UTC, full, good` */
function describeCheck(check: Check): string {
  const found = check.ok ? 'good' : `FAULTY: ${describeFaults(check)}`;
  return `${formatTime(new Date(check.at))}, ${check.depth}, ${found}`;
}

function render(backup: Backup<Manifest>): string {
  const { dump, manifest } = backup;
  const facts: [string, string][] = [
    ['id', backup.id],
    ['state', backup.state === 'broken' ? `broken: ${backup.fault}` : backup.state],
  ];
  if (dump !== undefined)
    facts.push(['dump', dump.key], ['size', `${formatBytes(dump.bytes)} (${dump.bytes} bytes)`]);
  const { checks = [] } = backup.verified ?? {};
  if (backup.unreadRecord !== undefined) facts.push(['verified', `not known: ${backup.unreadRecord}`]);
  if (checks.length > 0) facts.push(['verified', checks.map(describeCheck).join('; ')]);
  if (manifest !== undefined) {
    // Nobody knows when a pushed dump was begun; its name may tell when it was taken.
    const begun = manifest.database === null ? 'pushed' : 'started';
    facts.push([begun, formatTime(new Date(manifest.startedAt))]);
    facts.push(['finished', formatTime(new Date(manifest.finishedAt))]);
    facts.push(['server', manifest.server === null ? '-' : `PostgreSQL ${manifest.server}`]);
    facts.push(['pg_dump', manifest.pgDump ?? '-']);
    facts.push(['written by', manifest.tool]);
  }
  const { database, snapshot } = manifest ?? {};
  if (database) {
    facts.push([
      'database',
      `${database.name}, owner ${database.owner}, ${formatBytes(database.bytes)} on disk`,
    ]);
    facts.push(['locale', describeLocale(database)]);
  }
  if (snapshot) facts.push(['snapshot', `${formatTime(new Date(snapshot.at))}, LSN ${snapshot.lsn}`]);
  const migrations = Object.entries(manifest?.migrations ?? {}).map(([app, last]) => `${app} ${last}`);
  if (migrations.length > 0) facts.push(['migrations', migrations.join(', ')]);
  if (manifest?.media !== undefined) facts.push(['media', describeMedia(manifest.media)]);
  const width = Math.max(...facts.map(([name]) => name.length));
  const lines = facts.map(([name, value]) => escapeControls(`${name.padEnd(width)}  ${value}`));
  if (manifest === undefined || manifest.tables.length === 0) return lines.join('\n');
  const rows = manifest.tables.map((table) => [
    showTableName(table),
    formatCount(table.rows),
    formatBytes(table.bytes),
  ]);
  const table = renderTable(['table', right('rows'), right('size')], rows);
  return [...lines, '', table].join('\n');
}

/**
 * `UTF8, C, C`, and what sorts where the system's library does not: `icu de-u-co-phonebk`. Manifests of earlier
 * versions do not say who does.
 */
function describeLocale({
  encoding,
  collate,
  ctype,
  provider,
  providerLocale,
  icuRules,
}: NonNullable<Manifest['database']>): string {
  const names = [encoding, collate, ctype];
  if (provider !== null && provider !== 'libc') names.push(`${provider} ${providerLocale ?? '-'}`);
  if (icuRules !== null) names.push(`rules ${icuRules}`);
  return names.join(', ');
}

function describeMedia(media: NonNullable<Manifest['media']>): string {
  if ('warning' in media) return `not recorded: ${media.warning}`;
  const { bucket, prefix, objects, bytes, dangling } = media;
  const lacks = dangling === 0 ? '' : `, ${formatCount(dangling)} missing`;
  const unread = lacksRows(media) ? '; without those of rows that could not be read' : '';
  return `${formatObjects({ count: objects, bytes })} under ${prefix || '/'} of bucket ${bucket}${lacks}${unread}`;
}
