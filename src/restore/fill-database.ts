import type { DumpIndex } from '../dump/dump-index.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { loadDump } from './load-dump.ts';
import type { RestoreSource } from './source.ts';
import { analyzeTables } from './wide/analyze.ts';
import { withLanes } from './wide/lanes.ts';
import { loadWide, type WideDump } from './wide/load-wide.ts';

export interface FillOptions {
  readonly scratch: string;
  readonly noOwner: boolean;
  /** Over how many connections, and where the tables lie in the dump; over one where nothing is said. */
  readonly wide?: { readonly jobs: number; readonly index: WideDump['index'] };
  /** Have the rows of each table stand in the order of the dump, as one connection alone can. */
  readonly rowsInOrder?: boolean;
}

/**
 * Runs a dump on an empty database and gathers the planner's statistics.
 *
 * @returns what the dump consists of
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function fillDatabase(
  context: { readonly database: Database; readonly log: Logger; readonly startProgress: StartProgress },
  source: RestoreSource,
  { scratch, noOwner, wide, rowsInOrder = false }: FillOptions,
  signal: AbortSignal,
): Promise<DumpIndex> {
  const { database, log } = context;
  const progress = context.startProgress('restore', source.bytes);
  const options = { name: source.name, noOwner, log, rowsInOrder, onBytes: progress.add };
  try {
    return await withLanes(database, scratch, wide?.jobs ?? 1, signal, async (lanes) => {
      const loaded =
        wide === undefined
          ? await loadDump(lanes.text.client, source.read(lanes.signal), options)
          : await loadWide(lanes, await openWide(source, wide.index, lanes.signal), options);
      log.debug('analyzing');
      await analyzeTables(lanes);
      return loaded;
    });
  } catch (error) {
    throw databaseError(`cannot restore ${source.name} into ${scratch}`, error);
  } finally {
    progress.stop();
  }
}

async function openWide(
  source: RestoreSource,
  index: WideDump['index'],
  signal: AbortSignal,
): Promise<WideDump> {
  return { index, readRange: await source.ranges(signal), read: source.read };
}
