import type { DumpIndex } from '../dump/dump-index.ts';
import { type Database, settleSession } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { loadDump } from './load-dump.ts';
import type { RestoreSource } from './source.ts';

/**
 * Runs a dump on an empty database and gathers the planner's statistics.
 *
 * @returns what the dump consists of
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function fillDatabase(
  context: { readonly database: Database; readonly log: Logger; readonly startProgress: StartProgress },
  source: RestoreSource,
  options: { readonly scratch: string; readonly noOwner: boolean },
  signal: AbortSignal,
): Promise<DumpIndex> {
  const { database, log } = context;
  const { scratch, noOwner } = options;
  const progress = context.startProgress('restore', source.bytes);
  try {
    return await database.use(scratch, signal, async (client) => {
      // After a crash the scratch database is dropped; the swap's own commit waits for the disk, and so for all before.
      await client.query('SET synchronous_commit = off');
      const index = await loadDump(client, source.read(signal), {
        name: source.name,
        noOwner,
        log,
        onBytes: progress.add,
      });
      log.debug('analyzing');
      // The dump has set the session's search_path and more.
      await client.query('RESET ALL');
      await settleSession(client);
      await client.query('ANALYZE');
      return index;
    });
  } catch (error) {
    throw databaseError(`cannot restore ${source.name} into ${scratch}`, error);
  } finally {
    progress.stop();
  }
}
