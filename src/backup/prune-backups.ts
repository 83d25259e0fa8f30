import type { Backup } from '../catalog/backup.ts';
import { type Catalog, listBackups } from '../catalog/catalog.ts';
import { StoreError } from '../errors.ts';
import { type GuardedPlan, holdBack } from '../retention/hold-back.ts';
import { planRetention } from '../retention/plan-retention.ts';
import type { RetentionRules } from '../retention/rules.ts';
import { describeShrink, describeSpared } from '../retention/shrink-guard.ts';
import { earlierClock } from '../s3/earlier-clock.ts';
import { isForbidden } from '../s3/errors.ts';
import type { Store } from '../s3/store.ts';
import { formatBytes, formatNumber } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import { objectsOf, removeBackups } from './remove-backups.ts';

/** What deciding about backups needs, and deleting them. */
export interface PruneContext extends Catalog {
  /** The database whose backups are pruned, with those that do not say what they are of; undefined for all. */
  readonly own: string | undefined;
  readonly rules: RetentionRules;
  /** The time zone in which days, weeks, months and years begin. */
  readonly zone: string;
  /** Nothing is pruned if a dump is below this share of the previous one; 0 turns the guard off. */
  readonly shrinkGuard: number;
  readonly now: () => Date;
  readonly log: Logger;
}

/**
 * Reads what there is and decides; changes nothing.
 *
 * @param made the id of the backup just made, if any
 */
export async function planPrune(
  context: PruneContext,
  signal: AbortSignal,
  made?: string,
): Promise<GuardedPlan> {
  const { own, rules, zone, shrinkGuard } = context;
  const backups = await listBackups(context, signal);
  const now = earlierClock(context);
  const verdicts = planRetention(backups, rules, now, zone, own);
  return holdBack(verdicts, { share: shrinkGuard, made, own }, now);
}

/** The backups to be removed, newest first. */
export function removals({ verdicts }: GuardedPlan): Backup[] {
  return verdicts.filter(({ action }) => action === 'remove').map(({ backup }) => backup);
}

/**
 * Deletes the backups to be removed and logs it, or logs why none is deleted if the shrink guard holds.
 *
 * @throws StoreError naming the keys that could not be deleted
 */
export async function carryOutPrune(
  { store, shrinkGuard, log }: PruneContext,
  plan: GuardedPlan,
  signal: AbortSignal,
): Promise<void> {
  if (plan.shrink !== undefined) log.warn(describeShrink(plan.shrink, shrinkGuard));
  for (const shrink of plan.spared) log.warn(describeSpared(shrink, shrinkGuard));
  const gone = removals(plan);
  if (gone.length === 0) return;
  for (const { backup, reasons } of plan.verdicts) {
    if (gone.includes(backup)) log.debug(`pruning backup ${backup.id}: ${reasons.join(', ')}`);
  }
  try {
    await removeBackups(store, gone, signal);
  } catch (error) {
    if (error instanceof StoreError && error.keys.length > 0) {
      const refused = new Set(error.keys);
      const done = gone.filter((backup) => !objectsOf(backup).some(({ key }) => refused.has(key)));
      if (done.length > 0) log.info(`pruned ${describeBackups(done)}`);
    } else if (!(await isRefused(store, gone, error, signal))) {
      log.warn(
        `interrupted while pruning ${describeBackups(gone)}; a backup that has lost its dump is listed as broken, and the next prune finishes the job`,
      );
    }
    throw error;
  }
  log.info(`pruned ${describeBackups(gone)}`);
}

/** Whether a key that may not delete was refused from the first request on, so that nothing has gone. */
async function isRefused(
  store: Store,
  backups: readonly Backup[],
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!isForbidden(error)) return false;
  const [first] = backups.flatMap(objectsOf);
  const there = first && store.head(first.key, signal).catch(() => undefined);
  return (await there) !== undefined;
}

/** @param backups newest first, at least one */
function describeBackups(backups: readonly Backup[]): string {
  const bytes = backups.reduce((sum, { dump }) => sum + (dump?.bytes ?? 0), 0);
  const [newest, oldest] = [backups[0]?.id, backups.at(-1)?.id];
  const ids = newest === oldest ? newest : `${oldest} to ${newest}`;
  return `${formatNumber(backups.length, 'backup')} (${formatBytes(bytes)}): ${ids}`;
}
