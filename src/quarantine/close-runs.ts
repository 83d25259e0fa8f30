import { mapConcurrently } from '../map-concurrently.ts';
import { formatCount, formatNumber } from '../ui/format.ts';
import type { QuarantineContext } from './context.ts';
import { isInPlace } from './move-object.ts';
import { endRun, firstOriginal, listQuarantined, listRuns } from './runs.ts';

/** Objects that are looked up at the same time. */
const LOOKUPS = 8;

/**
 * Brings runs that were cut off to an end: where an object is both in its place and in quarantine, the copy goes, and
 * the next run judges the object anew; what was moved stays moved, and a run that has moved nothing goes. No other run
 * of this database may be at work. One that moves what is no media of this database is another's, which holds another
 * lock: it is left alone, and so is one that does not tell what it moves.
 *
 * @throws DumpError for a damaged journal, StoreError, or the signal's reason
 */
export async function closeRuns(
  context: QuarantineContext & { readonly mediaPrefix: string },
  signal: AbortSignal,
): Promise<void> {
  const { store, quarantinePrefix, mediaPrefix, now, log } = context;
  for (const { run, state } of await listRuns(store, quarantinePrefix, signal)) {
    if (state === 'done') continue;
    const key = await firstOriginal(store, quarantinePrefix, run, signal);
    if (key === undefined || !key.startsWith(mediaPrefix)) continue;
    const moved = { count: 0, bytes: 0 };
    let twice = 0;
    for await (const page of listQuarantined(store, quarantinePrefix, run, signal)) {
      const copies: string[] = [];
      await mapConcurrently(page, LOOKUPS, async (copy) => {
        const original = await store.head(copy.original, signal);
        const isTwice = original !== undefined && (await isInPlace(store, copy, original, signal));
        if (isTwice) {
          copies.push(copy.key);
          return;
        }
        moved.count += 1;
        moved.bytes += copy.bytes;
      });
      twice += copies.length;
      await store.remove(copies, signal);
    }
    await endRun(store, quarantinePrefix, { run, finishedAt: now().toISOString(), moved }, signal);
    log.info(
      `closed quarantine run ${run}, which was interrupted: ${formatNumber(moved.count, 'object')} moved, ${formatCount(twice)} left in place`,
    );
  }
}
