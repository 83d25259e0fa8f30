import { formatDuration } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { Store } from './store.ts';

/** Clocks further apart than this, in milliseconds, could get something deleted that is not old. */
const APART_MS = 3_600_000;

/**
 * The time to judge ages by before deleting: this machine's clock, or the server's if the two are at least an hour
 * apart and the server's is earlier. To a clock that is ahead, everything looks old.
 *
 * @param store one whose server has answered by now
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
