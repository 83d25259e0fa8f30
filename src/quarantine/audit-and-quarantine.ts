import { type AuditContext, type AuditReport, auditMedia } from '../audit/audit-media.ts';
import type { FindingSink } from '../audit/finding.ts';
import { keptMedia } from '../audit/kept-media.ts';
import { proveProtectors, refuseUnread } from '../audit/protect.ts';
import { ownedKeyFinder, refuseOldRows, unreadRows } from '../audit/rows/owned-keys.ts';
import { listBackups } from '../catalog/catalog.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { formatBytes, formatNumber } from '../ui/format.ts';
import { closeRuns } from './close-runs.ts';
import { type Journal, openJournal } from './journal.ts';
import type { ConfirmedQuarantineContext, QuarantineContext } from './quarantine-context.ts';
import { runPrefix } from './quarantine-keys.ts';
import { type QuarantineReport, quarantineOrphans } from './quarantine-orphans.ts';
import { findFreeRun, listRuns } from './runs.ts';

interface AuditAndQuarantineContext extends AuditContext, ConfirmedQuarantineContext {}

/** What was found, and what was moved; undefined if there was no orphan. */
type AuditAndQuarantineReport = AuditReport & { readonly quarantine: QuarantineReport | undefined };

/**
 * Audits, and moves the orphans into the quarantine once that is confirmed.
 *
 * @param onAudited receives the audit's report before confirmation is requested
 * @throws StoreError if it is unknown what a backup needs, LockedError, DatabaseError, what `confirm` throws, or the
 * signal's reason
 */
export async function auditAndQuarantine(
  context: AuditAndQuarantineContext,
  sink: FindingSink,
  onAudited: (report: AuditReport) => Promise<void>,
  signal: AbortSignal,
): Promise<AuditAndQuarantineReport> {
  const { store, database, quarantinePrefix } = context;
  await database.use(database.name, signal, refuseOldRows);
  const run = await findFreeRun(context, context.now(), signal);
  const journal = await openJournal(context, run, signal);
  try {
    const { report, backups } = await auditInto(journal, context, sink, signal);
    await onAudited(report);
    const { orphan } = report.totals;
    if (orphan === null || orphan.count === 0) {
      await closeCutOff(context, signal);
      return { ...report, quarantine: undefined };
    }
    const [unread] = report.unread;
    if (unread !== undefined) throw refuseUnread(describeMove(context), unread);
    const where = `${runPrefix(quarantinePrefix, run)} in bucket ${store.bucket}`;
    const purpose = `move ${formatNumber(orphan.count, 'orphan')} (${formatBytes(orphan.bytes)}) to ${where}`;
    await context.confirm(purpose);
    // A backup in progress has rows of a moment of its own, and must have recorded which media they name.
    const quarantine = await withLock(database, context.lockFor(purpose), signal, async (held) => {
      await closeRuns(context, held);
      await journal.commit();
      return moveOrphans(context, run, backups, held);
    });
    return { ...report, quarantine };
  } finally {
    await journal.abort();
  }
}

/** @returns what was found, and the ids of the backups whose needs the audit has read */
async function auditInto(
  journal: Journal,
  context: AuditAndQuarantineContext,
  sink: FindingSink,
  signal: AbortSignal,
): Promise<{ readonly report: AuditReport; readonly backups: ReadonlySet<string> }> {
  let backups: ReadonlySet<string> = new Set();
  const keptBackups: AuditContext['keptBackups'] = async (by) => {
    const kept = await context.keptBackups(by);
    backups = new Set(kept.map(({ id }) => id));
    return kept;
  };
  const both: FindingSink = {
    async write(findings) {
      await sink.write(findings);
      await journal.add(findings);
    },
  };
  const onUnread = (problem: string) => {
    throw unreadRows(problem);
  };
  const report = await auditMedia({ ...context, keptBackups, onUnread }, both, signal);
  return { report, backups };
}

/** Closes interrupted runs, if there are any. */
async function closeCutOff(context: AuditAndQuarantineContext, signal: AbortSignal): Promise<void> {
  const runs = await listRuns(context, signal);
  if (!runs.some(({ state }) => state === 'cut off')) return;
  await withLock(context.database, context.lockFor('close interrupted quarantine runs'), signal, (held) =>
    closeRuns(context, held),
  );
}

/** @param audited the backups whose needs the audit has read; those of newer ones are read now */
async function moveOrphans(
  context: AuditAndQuarantineContext,
  run: string,
  audited: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<QuarantineReport> {
  const { database, ownSources, mediaPrefix } = context;
  const backups = await listBackups(context, signal);
  const since = backups.filter(({ id }) => !audited.has(id));
  const kept = await keptMedia(context, since, signal);
  const openProtectors = await proveProtectors(describeMove(context), kept, signal);
  return database.use(database.name, signal, async (client) => {
    const findOwned = await ownedKeyFinder(client, ownSources, mediaPrefix);
    return quarantineOrphans(context, run, { findOwned, protectors: openProtectors() }, signal);
  });
}

function describeMove({ store }: QuarantineContext): string {
  return `cannot move the orphans of bucket ${store.bucket} into quarantine`;
}
