import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks again and again for what goes away by itself.
 *
 * @param look returns what is still there
 * @param pace how long to go on, and how long to pause between two looks, in milliseconds
 * @returns what is left when the time is up; empty as soon as nothing is
 */
export async function lookUntilGone<T>(
  look: () => Promise<readonly T[]>,
  { mostMs, pauseMs }: { readonly mostMs: number; readonly pauseMs: number },
): Promise<readonly T[]> {
  const until = performance.now() + mostMs;
  for (;;) {
    const found = await look();
    if (found.length === 0 || performance.now() > until) return found;
    await delay(pauseMs);
  }
}
