import type { ServerContext } from './server-context.ts';

/** After how much time people are told what is waited for, in milliseconds. */
export const SLOW_MS = 30_000;

/**
 * Waits for the server, and tells people so if it takes long: that nothing is seen to happen must not make them end the
 * program.
 *
 * @param purpose for the log: `to drop database topobank_restore_20261123110000`
 * @param options `explain`: finds out why it takes long; it must not throw. `slowMs`: only tests set it
 */
export async function tellingSlow<T>(
  { database, log }: ServerContext,
  purpose: string,
  work: () => Promise<T>,
  options: { readonly explain?: () => Promise<string | undefined>; readonly slowMs?: number } = {},
): Promise<T> {
  const { explain, slowMs = SLOW_MS } = options;
  let isDone = false;
  async function tell(): Promise<void> {
    const reason = explain && (await explain());
    if (isDone) return;
    const because = reason === undefined ? '' : `, because ${reason}`;
    log.warn(`the server ${database.server} takes long ${purpose}; waiting for it${because}`);
  }
  const slow = setTimeout(() => void tell(), slowMs);
  try {
    return await work();
  } finally {
    isDone = true;
    clearTimeout(slow);
  }
}
