import { type AuditReport, auditMedia } from '../audit/audit-media.ts';
import { type BackupOutlook, findOutlooks } from '../audit/backup-outlooks.ts';
import { isListComplete } from '../audit/sources/listed-sources.ts';
import { NoSourcesError } from '../audit/sources/match-sources.ts';
import type { UsableBackup } from '../catalog/backup.ts';
import { mediaListOf } from '../catalog/media-manifest.ts';
import { ConfigError, NotFoundError, tellError } from '../errors.ts';
import type { MediaFinding } from '../media/media-finding.ts';
import { type MediaRestoreContext, restoreMedia } from '../media/restore-media.ts';
import { openDatabase } from '../postgres/database.ts';
import { checkQuarantinePrefix } from '../quarantine/quarantine-keys.ts';
import { retryWhileAway } from '../restore/databases/retry-while-away.ts';
import type { RestoreMedia } from '../restore/restore-confirmed.ts';
import type { Store } from '../s3/store.ts';
import { formatCount, formatNumber, formatObjects } from '../ui/format.ts';
import { backupAuditContext, mediaAuditContext } from './audit-context.ts';
import { firstFindings } from './first-findings.ts';
import { AUDIT_GROUPS, BACKUP_AUDIT_GROUPS } from './groups.ts';
import { mediaContext } from './media-report.ts';
import type { RestoreFlags, RestoreSession } from './restore-options.ts';
import { openSession, withStore } from './session.ts';

/** A backup in its bucket. */
interface StoredBackup {
  readonly store: Store;
  readonly backup: UsableBackup;
}

/**
 * @param from undefined for a local file
 * @throws ConfigError, NotFoundError if `--with-media` cannot be carried out
 */
export function mediaOfRestore(session: RestoreSession, from: StoredBackup | undefined): RestoreMedia {
  const { log, signal } = session;
  const { audit, withMedia } = session.options as RestoreFlags;
  const asked = audit !== false;
  const wanted = withMedia === true ? readyForMedia(session, from) : undefined;

  let saidOwnsNothing = false;

  /** A database of another application is no reason to worry anybody, nor to say so before the restore and after it. */
  function skip(problem: string, ownsNothing: boolean): void {
    if (ownsNothing && saidOwnsNothing) return;
    saidOwnsNothing ||= ownsNothing;
    log[ownsNothing ? 'info' : 'warn'](`skipping the comparison of rows and media objects: ${problem}`);
  }

  /** Runs a part of the comparison; whatever prevents it is logged in one line. */
  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!asked) return undefined;
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      skip(tellError(error), error instanceof NoSourcesError);
      return undefined;
    }
  }

  return {
    before: () =>
      attempt(async () => {
        const outlook = from && (await compareBackup(session, from));
        if (outlook !== undefined && 'problem' in outlook)
          skip(outlook.problem, outlook.ownsNothing === true);
        return outlook;
      }),
    async bringBack(options) {
      if (wanted === undefined) return undefined;
      const first = firstFindings<MediaFinding>();
      const restored = await restoreMedia(wanted.context, wanted.backup, options, first, signal);
      return { ...restored, findings: first.all };
    },
    after: () => attempt(() => compareDatabase(session)),
  };
}

/** Compares the rows of the backup with the bucket, before the restore. */
async function compareBackup(
  session: RestoreSession,
  { store, backup }: StoredBackup,
): Promise<BackupOutlook | undefined> {
  const { log, signal } = session;
  const context = await backupAuditContext(openSession(session, BACKUP_AUDIT_GROUPS), store);
  // The whole dump would have to be read, which may take longer than the restore.
  if (backup.manifest === undefined && !isListComplete(backup, context)) {
    log.info(
      `the dump has no manifest, so missing media are not counted before the restore: see \`audit-orphans --backup ${backup.id}\``,
    );
    return undefined;
  }
  const [outlook] = await findOutlooks(context, [backup], signal);
  if (outlook !== undefined && !('problem' in outlook))
    log[outlook.dangling > 0 ? 'warn' : 'info'](describeOutlook(outlook));
  return outlook;
}

/**
 * Compares the rows of the restored database with the bucket. A pooler that somebody wanted this database of while it
 * refused connections goes on to refuse it for a while (PgBouncer's `server_login_retry`), which is waited for.
 */
async function compareDatabase(
  restoring: RestoreSession,
): Promise<Pick<AuditReport, 'totals' | 'unreadTables'>> {
  const session = openSession(restoring, AUDIT_GROUPS);
  const { config, env, log, signal } = session;
  const database = openDatabase(config, env);
  const { name } = database;
  const purpose = `to compare the rows of ${name} with the media`;
  await retryWhileAway({ database, log, stop: signal }, purpose, (server, limit) =>
    server.use(name, AbortSignal.any([signal, limit]), (client) => client.query('SELECT')),
  );
  const { totals, unreadTables } = await withStore(session, async (store) =>
    auditMedia(await mediaAuditContext(session, store, database), { write: async () => {} }, signal),
  );
  const doubtful = (totals.dangling?.count ?? 0) + unreadTables.length > 0;
  log[doubtful ? 'warn' : 'info'](describeTotals(totals, unreadTables));
  return { totals, unreadTables };
}

/**
 * What restoring media needs. Called before the database is replaced, so that anything missing is found first.
 *
 * @throws ConfigError, NotFoundError
 */
function readyForMedia(
  restoring: RestoreSession,
  from: StoredBackup | undefined,
): { readonly context: MediaRestoreContext; readonly backup: UsableBackup } {
  const doing = 'cannot restore with media';
  const remedy = 'omit --with-media';
  if (from === undefined) {
    throw new ConfigError({ doing, problem: 'a local file has no record of its media', remedy });
  }
  const { store, backup } = from;
  if (mediaListOf(backup) === undefined) {
    throw new NotFoundError({ doing, problem: `backup ${backup.id} has no list of its media`, remedy });
  }
  const session = openSession(restoring, ['store', 'media']);
  checkQuarantinePrefix(session.config);
  return { context: mediaContext(session, store), backup };
}

function describeOutlook(outlook: Exclude<BackupOutlook, { problem: string }>): string {
  const { id, by, references, dangling, changed } = outlook;
  const missing = dangling === 0 ? 'none' : formatCount(dangling);
  const others = changed ? `, ${formatCount(changed)} changed since` : '';
  // Only the list of media shows what rows own by prefix.
  const told = by === 'dump' ? `audit-orphans --backup ${id}` : `media check ${id}`;
  const see = dangling + (changed ?? 0) === 0 ? '' : `: see \`${told}\``;
  return `of ${formatNumber(references, 'media object')} that the backup’s rows own, ${missing} missing${others}${see}`;
}

function describeTotals({ dangling, orphan }: AuditReport['totals'], unread: readonly string[]): string {
  const [lacking, left] = [dangling?.count ?? 0, orphan?.count ?? 0];
  const besides =
    unread.length === 0 ? '' : `; rows that may own objects could not be read: ${unread.join('; ')}`;
  if (lacking + left === 0) return `the rows of the restored database and the media objects agree${besides}`;
  const rows = `${formatNumber(lacking, 'row')} of the restored database without a media object`;
  return `${rows}, ${formatObjects({ count: left, bytes: orphan?.bytes ?? 0 })} without a row: see \`audit-orphans\`${besides}`;
}
