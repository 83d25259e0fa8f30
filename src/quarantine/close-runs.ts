import { mapConcurrently } from '../map-concurrently.ts';
import { formatCount, formatNumber } from '../ui/format.ts';
import { isInPlace } from './move-object.ts';
import type { QuarantineContext } from './quarantine-context.ts';
import { endRun, firstOriginal, listQuarantined, listRuns } from './runs.ts';

/** Number of concurrent lookups. */
const LOOKUPS = 8;

/**
 * Closes interrupted runs. If an object is both in its place and in quarantine, the copy is removed, and the next run
 * judges the object again; what was moved stays moved, and a run that has moved nothing is removed. No other run of
 * this database may be active. A run that moves anything but media of this database belongs to another one, which
 * holds a different lock: it is left alone, as is a run that does not show what it moves.
 *
 * @throws DumpError for a damaged journal, StoreError, or the signal's reason
 */
export async function closeRuns(
  context: QuarantineContext & { readonly mediaPrefix: string },
  signal: AbortSignal,
): Promise<void> {
  const { store, mediaPrefix, now, log } = context;
  for (const { run, state } of await listRuns(context, signal)) {
    if (state === 'done') continue;
    const key = await firstOriginal(context, run, signal);
    if (key === undefined || !key.startsWith(mediaPrefix)) continue;
    const moved = { count: 0, bytes: 0 };
    let twice = 0;
    for await (const page of listQuarantined(context, run, signal)) {
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
    await endRun(context, { run, finishedAt: now().toISOString(), moved }, signal);
    log.info(
      `closed quarantine run ${run}, which was interrupted: ${formatNumber(moved.count, 'object')} moved, ${formatCount(twice)} left in place`,
    );
  }
}
