import type { DumpSource } from '../catalog/dump-source.ts';
import { type DumpIndex, totalOf } from '../dump/dump-index.ts';
import type { ReadRange } from '../dump/read-text.ts';
import { databaseError } from '../postgres/errors.ts';
import { formatBytes } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import { type LoadOptions, loadDump } from './load/load-dump.ts';
import { type LostPrivileges, noneLost } from './load/lost-privileges.ts';
import type { Refused } from './load/run-statement.ts';
import type { Selection } from './load/selection.ts';
import type { LoadContext } from './load-context.ts';
import { type Lanes, withLanes } from './wide/lanes.ts';
import { loadWide } from './wide/load-wide.ts';
import type { WideDump } from './wide/wide-dump.ts';

export interface FillOptions {
  readonly scratch: string;
  readonly noOwner: boolean;
  /** Whether there is no old database to go back to, so that what follows the rows is no reason to give them up. */
  readonly noWayBack: boolean;
  readonly way: FillWay;
  /** What to do over the same connections once all of the dump is in. */
  readonly finish?: (lanes: Lanes, filled: FilledFrom, onStep: LoadOptions['onStep']) => Promise<void>;
}

/** How a dump gets into a database. */
export type FillWay =
  /** Over one connection; with `rowsInOrder`, the rows of each table keep the order of the dump. */
  | { readonly kind: 'whole'; readonly rowsInOrder: boolean }
  /** Over `jobs` connections, using the positions of the tables in the dump. */
  | {
      readonly kind: 'by index';
      readonly jobs: number;
      readonly index: WideDump['index'];
      /** The part of the dump that is restored; undefined for all of it. */
      readonly selection: Selection | undefined;
    };

/** What was found in the dump. */
export interface FilledFrom extends DumpIndex {
  /** Bytes of the plain SQL that were read. */
  readonly bytesRead: number;
  readonly lost: LostPrivileges;
  /** What was left out because there is no old database to go back to, in the order of the dump. */
  readonly refused: readonly Refused[];
}

/**
 * Runs a dump on an empty database.
 *
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function fillDatabase(
  context: LoadContext,
  source: DumpSource,
  { scratch, noOwner, noWayBack, way, finish }: FillOptions,
  signal: AbortSignal,
): Promise<FilledFrom> {
  const { database, log } = context;
  const loader =
    way.kind === 'whole' ? wholeLoader(source, way.rowsInOrder) : await indexLoader(source, way, log, signal);
  const progress = context.startProgress('restore', loader.bytes);
  let bytesRead = 0;
  const onBytes = (bytes: number) => {
    bytesRead += bytes;
    progress.add(bytes);
  };
  const { name, remedyForDamage } = source;
  const lost = noneLost();
  const refused: Refused[] | undefined = noWayBack ? [] : undefined;
  try {
    return await withLanes(database, scratch, loader.jobs, signal, async (lanes) => {
      const loaded = await loader.load(lanes, {
        name,
        remedyForDamage,
        noOwner,
        refused,
        log,
        lost,
        onBytes,
        onStep: progress.step,
      });
      const inOrder = (refused ?? []).toSorted((a, b) => a.line - b.line);
      const filled = { ...loaded, bytesRead, lost, refused: inOrder };
      await finish?.(lanes, filled, progress.step);
      return filled;
    });
  } catch (error) {
    throw databaseError(`cannot restore ${source.name} into ${scratch}`, error);
  } finally {
    progress.stop();
  }
}

interface Loader {
  /** Connections that it works over. */
  readonly jobs: number;
  /** Bytes of plain SQL that it reads. */
  readonly bytes: number;
  load(lanes: Lanes, options: LoadOptions): Promise<DumpIndex>;
}

function wholeLoader({ bytes, read }: DumpSource, rowsInOrder: boolean): Loader {
  return {
    jobs: 1,
    bytes,
    load: ({ text, signal }, options) => loadDump(text.client, read(signal), { ...options, rowsInOrder }),
  };
}

async function indexLoader(
  source: DumpSource,
  { jobs, index, selection }: FillWay & { readonly kind: 'by index' },
  log: Logger,
  signal: AbortSignal,
): Promise<Loader> {
  const readRange = await source.ranges(signal);
  const unread = readRange === undefined ? 0 : totalOf(selection?.unread ?? []).bytes;
  const bytes = source.bytes - unread;
  if (selection !== undefined) log.info(sayReading(source, bytes, readRange));
  return {
    jobs,
    bytes,
    load: (lanes, options) =>
      loadWide(lanes, { index, readRange, read: source.read }, { ...options, selection }),
  };
}

function sayReading(source: DumpSource, bytes: number, readRange: ReadRange | undefined): string {
  const all = formatBytes(source.bytes);
  return readRange === undefined
    ? `${source.name} is compressed, so all of it must be read (${all})`
    : `reading ${formatBytes(bytes)} of ${all}`;
}
