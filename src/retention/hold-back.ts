import { mayBeOf } from '../catalog/manifest.ts';
import type { RetentionVerdict } from './plan-retention.ts';
import { findLarger, judgeShrink, type Shrink } from './shrink-guard.ts';

/** What becomes of each backup. */
export interface GuardedPlan {
  /** Newest first. */
  readonly verdicts: readonly RetentionVerdict[];
  /** Set if the newest dump has shrunk, so that nothing is removed. */
  readonly shrink: Shrink | undefined;
  /** One for each backup from before a dump shrank that is kept against the rules. */
  readonly spared: readonly Shrink[];
}

/**
 * Keeps what must not be removed whatever the rules say: the backup that was just made, whatever its time, and what
 * the shrink guard holds. That is everything if the newest dump has shrunk, and afterwards the last backups from
 * before, for as long as the dumps stay small. Otherwise the rules would delete, one backup at a time, everything
 * that still has what was lost.
 *
 * @param guard the fraction of the previous length below which the shrink guard holds (0 turns it off), the id of the
 * backup that was just made, if any, and the database whose backups may be removed, as for {@link planRetention}
 */
export function holdBack(
  given: readonly RetentionVerdict[],
  {
    share,
    made,
    own,
  }: { readonly share: number; readonly made: string | undefined; readonly own?: string | undefined },
  now: Date,
): GuardedPlan {
  const verdicts = given.map((verdict) =>
    keep(verdict, verdict.backup.id === made ? 'it was just made' : undefined),
  );
  // What has shrunk of another database is for the runs of that one to tell, and to be held back by.
  const backups = verdicts.flatMap(({ backup }) => (mayBeOf(backup, own) ? backup : []));
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
