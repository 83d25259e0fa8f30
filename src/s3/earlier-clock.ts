import { formatDuration } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { Store } from './store.ts';

/** Clocks that are further apart than this, in milliseconds, would have something deleted that is not old. */
const APART_MS = 3_600_000;

/**
 * The time by which something may be old enough to be deleted: by this machine's clock, or by the server's where that is
 * more than an hour behind or ahead and shows an earlier time. To a clock that is ahead everything is old.
 *
 * @param store one that the server has answered by now
 */
export function earlierClock({
  store,
  now,
  log,
}: {
  readonly store: Store;
  readonly now: () => Date;
  readonly log: Logger;
}): Date {
  const here = now();
  const there = store.now();
  const apart = here.getTime() - there.getTime();
  if (Math.abs(apart) < APART_MS) return here;
  const minutes = Math.round(Math.abs(apart) / 60_000);
  log.warn(
    `this machine’s clock is ${formatDuration(minutes * 60_000)} ${apart > 0 ? 'ahead of' : 'behind'} that of ` +
      `${store.endpoint}: ages are judged by the earlier clock, so that nothing is deleted too soon; set the clocks`,
  );
  return apart > 0 ? there : here;
}
