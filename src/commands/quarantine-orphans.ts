import { type AuditReport, auditMedia } from '../audit/audit-media.ts';
import type { FindingSink } from '../audit/finding.ts';
import { keptMedia } from '../audit/kept-media.ts';
import { lookUpOwnedKeys } from '../audit/owned-keys.ts';
import { openProtectors, type UnreadBackup } from '../audit/protect.ts';
import { backupId } from '../catalog/backup-name.ts';
import { listBackups } from '../catalog/catalog.ts';
import { StoreError } from '../errors.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { openDatabase } from '../postgres/database.ts';
import { closeRuns } from '../quarantine/close-runs.ts';
import { openJournal } from '../quarantine/journal.ts';
import { checkQuarantinePrefix, runPrefix } from '../quarantine/names.ts';
import { type QuarantineReport, quarantineOrphans } from '../quarantine/quarantine-orphans.ts';
import { listRuns } from '../quarantine/runs.ts';
import type { Store } from '../s3/store.ts';
import { formatBytes, formatCount, formatNumber } from '../ui/format.ts';
import { mediaAuditContext } from './audit-context.ts';
import type { QUARANTINE_GROUPS } from './groups.ts';
import { type Invocation, lockFor, type Session } from './session.ts';

export type QuarantineSession = Session<(typeof QUARANTINE_GROUPS)[number]>;

/**
 * Audits, and moves the orphans into the quarantine, once it is confirmed.
 *
 * @param onAudited is given the audit's report before anybody is asked
 * @returns the report; what was moved is undefined where there is no orphan
 */
export async function auditAndQuarantine(
  { env, signal }: Invocation,
  session: QuarantineSession,
  store: Store,
  sink: FindingSink,
  onAudited: (report: AuditReport) => Promise<void>,
): Promise<AuditReport & { readonly quarantine: QuarantineReport | undefined }> {
  const { config, log } = session;
  checkQuarantinePrefix(config);
  const database = openDatabase(config, env);
  const context = await mediaAuditContext(session, store, database, env);
  const { quarantinePrefix } = config;
  const run = backupId(session.now());
  const doing = `cannot move the orphans of bucket ${store.bucket} into quarantine`;
  const work = { ...session, store, quarantinePrefix, mediaPrefix: context.mediaPrefix };
  let known = new Set<string>();
  const keptBackups: typeof context.keptBackups = async (by) => {
    const kept = await context.keptBackups(by);
    known = new Set(kept.map(({ id }) => id));
    return kept;
  };
  const journal = await openJournal(store, quarantinePrefix, run, signal);
  let report: AuditReport;
  let purpose: string;
  try {
    report = await auditMedia(
      { ...context, keptBackups },
      {
        async write(findings) {
          await sink.write(findings);
          await journal.add(findings);
        },
      },
      signal,
    );
    await onAudited(report);
    const { orphan } = report.totals;
    if (orphan === null || orphan.count === 0) {
      await journal.abort();
      const runs = await listRuns(store, quarantinePrefix, signal);
      if (runs.some(({ state }) => state === 'cut off')) {
        await withLock(database, lockFor(session, 'quarantine', 'close the quarantine'), signal, (held) =>
          closeRuns(work, held),
        );
      }
      return { ...report, quarantine: undefined };
    }
    for (const backup of report.unread) throw notKnown(doing, backup);
    purpose = `move ${formatNumber(orphan.count, 'orphan')} (${formatBytes(orphan.bytes)}) to ${runPrefix(quarantinePrefix, run)} in bucket ${store.bucket}`;
    await session.confirm(purpose);
  } catch (error) {
    await journal.abort();
    throw error;
  }
  // A backup that is under way has rows of its own moment, and must have told which media they name.
  const quarantine = await withLock(
    database,
    lockFor(session, 'quarantine', purpose),
    signal,
    async (held) => {
      try {
        await closeRuns(work, held);
        await journal.commit();
      } catch (error) {
        await journal.abort();
        throw error;
      }
      const backups = await listBackups(store, config.prefix, held);
      const since = backups.filter(({ id }) => !known.has(id));
      const protectors = openProtectors(keptMedia({ ...context, log }, since, held), (backup) => {
        throw notKnown(doing, backup);
      });
      return database.use(database.name, held, async (client) => {
        const owned = await lookUpOwnedKeys(client, context.ownSources, context.mediaPrefix);
        return quarantineOrphans(work, run, { owned, protectors }, held);
      });
    },
  );
  return { ...report, quarantine };
}

/** What such a backup needs could be among the orphans. */
export function notKnown(doing: string, { id, problem }: UnreadBackup): StoreError {
  return new StoreError({
    doing,
    problem: `it is not known which of them backup ${id} needs: ${problem}`,
    remedy: `delete that backup, or mend it; \`topobank-backup show ${id}\` tells what there is of it`,
  });
}

/** What became of the orphans, for people. */
export function renderQuarantine({ run, moved, left }: QuarantineReport): string {
  const lines = [
    `moved ${formatNumber(moved.count, 'object')} (${formatBytes(moved.bytes)}) into quarantine, run ${run}`,
    ...left.first.map(({ key, reason }) => `left ${key}: ${reason}`),
  ];
  if (left.count > left.first.length)
    lines.push(`and ${formatCount(left.count - left.first.length)} more left`);
  return lines.join('\n');
}
