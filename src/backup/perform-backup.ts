import type { Manifest } from '../catalog/manifest.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { reopenAfterKill } from '../restore/databases/reopen-after-kill.ts';
import type { GuardedPlan } from '../retention/hold-back.ts';
import { formatBytes } from '../ui/format.ts';
import { makeBucket } from './make-bucket.ts';
import { carryOutPrune, type PruneContext, planPrune } from './prune-backups.ts';
import { type SweepContext, sweepUploads } from './sweep-uploads.ts';
import { type BackupContext, takeBackup } from './take-backup.ts';

/** What a whole run needs: the backup, the sweep before it, the pruning after it, and the lock. */
export interface RunContext extends BackupContext, PruneContext, SweepContext {
  /** How this run appears to another: `topobank-backup backup on web1, process 4711`. */
  readonly holder: string;
  /** How long to wait for another run to end, in milliseconds. */
  readonly lockWait: number;
}

/** What a whole run has done. */
export interface RunReport {
  readonly manifest: Manifest;
  readonly pruning: PruneOutcome;
}

/** The result of pruning after a backup. A failure does not affect the backup. */
type PruneOutcome =
  | { readonly state: 'done'; readonly plan: GuardedPlan }
  | { readonly state: 'failed'; readonly error: unknown };

/**
 * One whole run: sweeps away what dead runs left, takes the backup, and deletes the backups that no rule keeps, all
 * while no other run works on the database.
 *
 * @throws LockedError while another run works, DatabaseError or StoreError if there is no backup, or the signal's
 * reason
 */
export async function performBackup(context: RunContext, signal: AbortSignal): Promise<RunReport> {
  const { database, holder, lockWait, log } = context;
  const purpose = `back up database ${database.name} on ${database.server}`;
  const report = await withLock(
    database,
    { purpose, holder, waitMs: lockWait, log },
    signal,
    async (held) => {
      await reopenAfterKill(context, held);
      await makeBucket(context, held);
      await sweepUploads(context, held);
      const manifest = await takeBackup(context, held);
      log.info(`backup ${manifest.id} is complete: ${formatBytes(manifest.bytes)}`);
      return { manifest, pruning: await prune(context, manifest.id, held) };
    },
  );
  if (report.pruning.state === 'failed') signal.throwIfAborted();
  return report;
}

async function prune(context: PruneContext, made: string, signal: AbortSignal): Promise<PruneOutcome> {
  try {
    const plan = await planPrune(context, signal, made);
    await carryOutPrune(context, plan, signal);
    return { state: 'done', plan };
  } catch (error) {
    return { state: 'failed', error };
  }
}
