import { StoreError } from '../errors.ts';
import { type ConfirmAndLock, withLock } from '../postgres/advisory-lock.ts';
import type { Database } from '../postgres/database.ts';
import type { GuardedPlan } from '../retention/hold-back.ts';
import { carryOutPrune, type PruneContext, planPrune, removals } from './prune-backups.ts';

interface ConfirmedPruneContext extends PruneContext, ConfirmAndLock {
  /** The database whose lock is taken. */
  readonly database: Database;
  /** Called with the plan before confirmation is asked for. */
  readonly show: (plan: GuardedPlan) => void;
  /** What to ask, and what others that meet the lock see: `delete 3 of 13 backups under backup/`. */
  readonly describe: (plan: GuardedPlan) => string;
}

/**
 * Decides, shows the decision, and carries it out once confirmed; asks nothing if nothing is to be removed.
 *
 * @throws DeclinedError if the answer is no, ConfigError if nobody can be asked, LockedError while another run works,
 * StoreError if other backups would be removed by then, DatabaseError, or the signal's reason
 */
export async function pruneConfirmed(
  context: ConfirmedPruneContext,
  signal: AbortSignal,
): Promise<GuardedPlan> {
  const plan = await planPrune(context, signal);
  context.show(plan);
  if (removals(plan).length === 0) return plan;
  const purpose = context.describe(plan);
  await context.confirm(purpose);
  return withLock(context.database, context.lockFor(purpose), signal, async (held) => {
    // The run that held the lock before may have deleted some of them, or all.
    const current = await planPrune(context, held);
    const shown = new Set(removals(plan).map(({ id }) => id));
    if (!removals(current).every(({ id }) => shown.has(id))) throw changedMeanwhile(purpose);
    await carryOutPrune(context, current, held);
    return current;
  });
}

function changedMeanwhile(purpose: string): StoreError {
  return new StoreError({
    doing: `cannot ${purpose}`,
    problem: 'the list of backups to delete has changed since it was shown',
    remedy: 'run prune again',
  });
}
