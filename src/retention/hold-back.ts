import type { RetentionVerdict } from './plan-retention.ts';
import { findLarger, judgeShrink, type Shrink } from './shrink-guard.ts';

/** What becomes of each backup once the shrink guard has had its say. */
export interface GuardedPlan {
  /** Newest first. */
  readonly verdicts: readonly RetentionVerdict[];
  /** Set where the newest dump has shrunk, so that nothing goes. */
  readonly shrink: Shrink | undefined;
  /** Where backups from before stay against the rules. */
  readonly spared: readonly Shrink[];
}

/**
 * Keeps what the shrink guard does not let go: everything when the newest dump has shrunk, and afterwards the last backups
 * from before, for as long as the dumps stay small. Else the rules would delete, one backup at a time, all that still has
 * what was lost.
 *
 * @param share of the previous length below which the guard holds; 0 turns it off
 */
export function holdBack(verdicts: readonly RetentionVerdict[], share: number, now: Date): GuardedPlan {
  const backups = verdicts.map(({ backup }) => backup);
  const shrink = judgeShrink(backups, share, now);
  if (shrink !== undefined)
    return { verdicts: verdicts.map((verdict) => keep(verdict, 'held by SHRINK_GUARD')), shrink, spared: [] };
  const going = new Set(
    verdicts.filter(({ action }) => action === 'remove').map(({ backup }) => backup.dump?.key),
  );
  const spared = findLarger(backups, share, now).filter(({ previous }) => going.has(previous.key));
  const reasons = new Map(
    spared.map(({ id, previous }) => [previous.key, `much larger than ${id} (SHRINK_GUARD)`]),
  );
  return {
    verdicts: verdicts.map((verdict) => keep(verdict, reasons.get(verdict.backup.dump?.key ?? ''))),
    shrink,
    spared,
  };
}

function keep(verdict: RetentionVerdict, reason: string | undefined): RetentionVerdict {
  if (verdict.action === 'keep' || reason === undefined) return verdict;
  return { ...verdict, action: 'keep', reasons: [reason] };
}
