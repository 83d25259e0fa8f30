import type { DumpIndex } from '../dump/dump-index.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { formatBytes } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { loadDump } from './load-dump.ts';
import type { RestoreSource } from './source.ts';
import { analyzeTables } from './wide/analyze.ts';
import { withLanes } from './wide/lanes.ts';
import { loadWide } from './wide/load-wide.ts';
import type { Selection, WideDump } from './wide/wide-dump.ts';

export interface FillOptions {
  readonly scratch: string;
  readonly noOwner: boolean;
  /** Over how many connections, and where the tables lie in the dump; over one where nothing is said. */
  readonly wide?: {
    readonly jobs: number;
    readonly index: WideDump['index'];
    /** The part of the dump that is restored, where it is not all. */
    readonly selection?: Selection;
  };
  /** Have the rows of each table stand in the order of the dump, as one connection alone can. */
  readonly rowsInOrder?: boolean;
}

/** What the dump consists of. */
export interface FilledFrom extends DumpIndex {
  /** Bytes of the plain SQL that were read. */
  readonly bytesRead: number;
}

/**
 * Runs a dump on an empty database and gathers the planner's statistics.
 *
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function fillDatabase(
  context: { readonly database: Database; readonly log: Logger; readonly startProgress: StartProgress },
  source: RestoreSource,
  { scratch, noOwner, wide, rowsInOrder = false }: FillOptions,
  signal: AbortSignal,
): Promise<FilledFrom> {
  const { database, log } = context;
  const dump = wide === undefined ? undefined : await openWide(source, wide.index, signal);
  const expected = source.bytes - bytesSpared(dump, wide?.selection);
  if (wide?.selection !== undefined) log.info(sayReading(source, expected, dump));
  const progress = context.startProgress('restore', expected);
  let bytesRead = 0;
  const onBytes = (bytes: number) => {
    bytesRead += bytes;
    progress.add(bytes);
  };
  const { name, remedyForDamage } = source;
  const options = { name, remedyForDamage, noOwner, log, rowsInOrder, onBytes };
  try {
    return await withLanes(database, scratch, wide?.jobs ?? 1, signal, async (lanes) => {
      const loaded =
        dump === undefined
          ? await loadDump(lanes.text.client, source.read(lanes.signal), options)
          : await loadWide(lanes, dump, { ...options, ...wide });
      log.debug('analyzing');
      await analyzeTables(lanes, log);
      return { ...loaded, bytesRead };
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

/** Bytes of rows that are neither wanted nor read. */
function bytesSpared(dump: WideDump | undefined, selection: Selection | undefined): number {
  if (dump?.readRange === undefined || selection === undefined) return 0;
  return [...selection.unread].reduce((sum, { bytes }) => sum + bytes, 0);
}

function sayReading(source: RestoreSource, expected: number, dump: WideDump | undefined): string {
  const all = formatBytes(source.bytes);
  return dump?.readRange === undefined
    ? `${source.name} is compressed, so all of it must be read (${all})`
    : `reading ${formatBytes(expected)} of ${all}`;
}
