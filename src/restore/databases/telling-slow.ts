import type { Database } from '../../postgres/database.ts';
import type { Logger } from '../../ui/log.ts';

/** After how much time people are told what is waited for, in milliseconds. */
const SLOW_MS = 30_000;

/**
 * Waits for the server, and tells people so if it takes long: that nothing is seen to happen must not make them end the
 * program.
 *
 * @param purpose for the log: `to drop database topobank_restore_20261123110000`
 */
export async function tellingSlow<T>(
  { server }: Pick<Database, 'server'>,
  purpose: string,
  log: Logger,
  work: () => Promise<T>,
): Promise<T> {
  const slow = setTimeout(
    () => log.warn(`the server ${server} takes long ${purpose}; waiting for it`),
    SLOW_MS,
  );
  try {
    return await work();
  } finally {
    clearTimeout(slow);
  }
}
