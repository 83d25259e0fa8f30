import type { OwnedKeys } from '../audit/owned-keys.ts';
import type { Protectors } from '../audit/protect.ts';
import { idTime } from '../catalog/backup-name.ts';
import type { QuarantineContext } from './quarantine-orphans.ts';
import { removeEmptyRun } from './restore-run.ts';
import { listQuarantined, type QuarantineRun } from './runs.ts';

/** The runs that began at least so many milliseconds before `now`. */
export function oldRuns(runs: readonly QuarantineRun[], olderThanMs: number, now: Date): QuarantineRun[] {
  return runs.filter(
    ({ run }) => (idTime(run)?.getTime() ?? Number.POSITIVE_INFINITY) <= now.getTime() - olderThanMs,
  );
}

export interface PurgeReport {
  readonly runs: readonly string[];
  readonly removed: { readonly count: number; readonly bytes: number };
  /** Objects that stay, for a row or a kept backup has come to need them since. */
  readonly kept: number;
}

/**
 * Deletes what runs of the quarantine hold, for good, but what a row names or a kept backup needs.
 *
 * @param openProtectors of all kept backups, anew for each run
 * @throws StoreError, DatabaseError, or the signal's reason
 */
export async function purgeRuns(
  { store, quarantinePrefix, log }: Pick<QuarantineContext, 'store' | 'quarantinePrefix' | 'log'>,
  runs: readonly QuarantineRun[],
  use: { readonly owned: OwnedKeys; readonly openProtectors: () => Protectors },
  signal: AbortSignal,
): Promise<PurgeReport> {
  const removed = { count: 0, bytes: 0 };
  let kept = 0;
  for (const { run } of runs) {
    const protectors = use.openProtectors();
    try {
      for await (const page of listQuarantined(store, quarantinePrefix, run, signal)) {
        const named = await use.owned(page.map(({ original }) => original));
        const going: string[] = [];
        for (const { key, original, bytes } of page) {
          const [backup] = await protectors.of(original);
          if (backup !== undefined || named.has(original)) {
            kept += 1;
            log.warn(
              `${original} stays in quarantine: ${backup === undefined ? 'a row names it' : `backup ${backup} needs it`}`,
            );
            continue;
          }
          going.push(key);
          removed.bytes += bytes;
        }
        await store.remove(going, signal);
        removed.count += going.length;
      }
      await removeEmptyRun(store, quarantinePrefix, run, signal);
    } finally {
      await protectors.close();
    }
  }
  return { runs: runs.map(({ run }) => run), removed, kept };
}
