import type { AuditReport } from '../audit/audit-media.ts';
import type { BackupOutlook } from '../audit/backup-outlooks.ts';
import { dumpTime } from '../catalog/backup-time.ts';
import type { DumpSource } from '../catalog/dump-source.ts';
import type { FirstMediaFindings } from '../media/media-finding.ts';
import type { MediaRestored } from '../media/restore-media.ts';
import { type ConfirmAndLock, withLock } from '../postgres/advisory-lock.ts';
import { administer, type Database } from '../postgres/database.ts';
import { formatBytes, formatTime } from '../ui/format.ts';
import type { ChosenDump } from './chosen-dump.ts';
import { checkTarget, keptToDrop } from './databases/check-target.ts';
import { type FoundDatabases, findTarget } from './databases/find-target.ts';
import { finishDrop } from './databases/finish-drop.ts';
import { foreseeLocaleChange } from './databases/locale.ts';
import { reopenAfterKill } from './databases/reopen-after-kill.ts';
import { onlyTables, type RestoreTarget, targetName } from './databases/restore-target.ts';
import {
  foreseeRestore,
  type RestoreContext,
  type RestoreOptions,
  type RestoreReport,
  restoreDump,
} from './restore.ts';

/** What became of the media, and the first that did not come back as they were. */
type MediaBroughtBack = MediaRestored & FirstMediaFindings;

/** What a restore does about media. Apart from the signal, only {@link bringBack} can make the restore fail. */
export interface RestoreMedia {
  /** Says what would dangle if the backup were restored; undefined if that cannot be determined. */
  before(): Promise<BackupOutlook | undefined>;
  /** Brings back what is missing, if asked to. */
  bringBack(options: { readonly dryRun: boolean }): Promise<MediaBroughtBack | undefined>;
  /** Says what dangles and what is orphaned; undefined if that cannot be determined. */
  after(): Promise<Pick<AuditReport, 'totals' | 'unreadTables'> | undefined>;
}

interface ConfirmedRestoreContext extends RestoreContext, ConfirmAndLock {
  readonly media: RestoreMedia;
  /** Describes to people what was restored, in `ms` milliseconds. */
  readonly describe: (report: RestoreReport, ms: number) => string;
}

/** What is restored, and whether it is only tried. */
export interface ConfirmedRestoreOptions extends Omit<RestoreOptions, 'agreed'> {
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
}

/** What would be restored, or was. */
export type RestoreOutcome =
  | {
      readonly state: 'planned';
      /** What would be done. */
      readonly intent: string;
      readonly media: Omit<MediaTold, 'after'>;
    }
  | {
      readonly state: 'done';
      readonly report: RestoreReport;
      /** How long the database took, in milliseconds. */
      readonly ms: number;
      readonly media: MediaTold;
    };

/** What each step of {@link RestoreMedia} reported. */
interface MediaTold {
  readonly before: BackupOutlook | undefined;
  readonly restored: MediaBroughtBack | undefined;
  readonly after: Pick<AuditReport, 'totals' | 'unreadTables'> | undefined;
}

/**
 * Looks at what is there, asks for confirmation if a database is to be replaced, restores, and brings the media back.
 *
 * @throws DeclinedError when the answer is no, ConfigError if nobody can be asked, LockedError while another run is
 * in progress, RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function restoreConfirmed(
  context: ConfirmedRestoreContext,
  dump: ChosenDump,
  options: ConfirmedRestoreOptions,
  signal: AbortSignal,
): Promise<RestoreOutcome> {
  const { database, media, confirm, log } = context;
  const { source } = dump;
  const { target, dryRun } = options;
  const name = targetName(target, database);
  const found = await administer(database, signal, (admin) => findTarget(admin, target, name));
  checkTarget(source, target, database, found);
  const replaces = found.present !== undefined && target.kind !== 'into';
  const localeChange = replaces ? await foreseeLocaleChange(database, source, name, signal) : undefined;
  const inLocale = localeChange === undefined ? '' : `; it will use ${localeChange}`;
  const intent = `${describeIntent(source, database, found, target)}${inLocale}`;
  if (replaces && !dryRun) confirm.assertPossible(intent);
  // What a whole backup lacks says little about single tables.
  const before = onlyTables(target) === undefined ? await media.before() : undefined;
  if (dryRun) {
    await foreseeRestore(context, source, options, signal);
    return { state: 'planned', intent, media: { before, restored: await media.bringBack({ dryRun: true }) } };
  }

  if (replaces) await confirm(intent);
  const began = performance.now();
  const report = await restoreAlone(context, dump, { ...options, agreed: found }, signal);
  const ms = performance.now() - began;
  try {
    const restored = await media.bringBack({ dryRun: false });
    // A database that was only added does not show which objects are orphans.
    const after = target.kind === 'into' ? undefined : await media.after();
    return { state: 'done', report, ms, media: { before, restored, after } };
  } catch (error) {
    // The database is restored all the same, and the operator has to know where the old one is.
    for (const line of context.describe(report, ms).split('\n')) log.info(line);
    throw error;
  }
}

/**
 * Under the lock no backup is taken of a database that is about to be replaced, and what is being read is not pruned.
 */
function restoreAlone(
  context: ConfirmedRestoreContext,
  { source, checkThere }: ChosenDump,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { database, lockFor } = context;
  const name = targetName(options.target, database);
  const purpose = `restore ${source.name} into database ${name} on ${database.server}`;
  return withLock(database, lockFor(purpose), signal, async (held) => {
    await checkThere(held);
    await reopenAfterKill(context, held);
    if (options.target.kind !== 'into') await finishDrop(context, name, held);
    return restoreDump(context, source, options, held);
  });
}

/** What will happen, including everything that will be gone afterwards. */
function describeIntent(
  source: DumpSource,
  { server }: Database,
  found: FoundDatabases,
  target: RestoreTarget,
): string {
  const { name, present } = found;
  const kept = keptToDrop(found, target);
  const only = onlyTables(target);
  const rows = only === undefined ? '' : `${only.join(', ')} from `;
  const what = `restore ${rows}${source.name} (${formatBytes(source.bytes)}, ${provenance(source)})`;
  if (target.kind !== 'into' && present?.invalid) {
    return `DROP what is left of database ${name} on ${server}, of which a drop was cut off, then ${what} under that name`;
  }
  if (target.kind === 'into' || present === undefined)
    return `${what} into a new database ${name} on ${server}`;
  const before = `${kept.join(', ')}, kept by an earlier restore`;
  if (target.kind === 'in-place') {
    // Someone who drops the database for lack of room may prefer to do without those.
    const room = kept.length === 0 ? '' : `; not dropped, although that would free room: ${before}`;
    return `DROP database ${name} on ${server}, then ${what} in its place${room}`;
  }
  const old = target.dropOld ? 'and drop the old one' : 'keeping the old one under another name';
  const gone = kept.length === 0 ? '' : `; drop ${before}`;
  return `${what} in place of database ${name} on ${server}, ${old}${gone}`;
}

/** Which database the dump is of, and when it was taken: its name alone does not say. */
function provenance({ manifest }: DumpSource): string {
  if (manifest === undefined) return 'without a manifest';
  const { database } = manifest;
  return `${database === null ? 'a pushed dump' : `of database ${database.name}`}, ${formatTime(dumpTime({ id: manifest.id, manifest }))}`;
}
