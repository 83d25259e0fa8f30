import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperatorError } from '../../errors.ts';
import { fileError } from '../../file-error.ts';
import { inBatches, mergeRuns, mergeWidth, reduceRuns, writeRun } from './sorted-runs.ts';

/** Approximate memory that a string takes in addition to its characters, in bytes. */
const STRING_BYTES = 32;

/** The room that a sort may take up. */
export interface SortSpace {
  /** Bytes to hold in memory; the rest goes to files. */
  readonly memory: number;
  /** Where the files go, in a subdirectory of their own that is removed at the end. */
  readonly directory: string;
}

/**
 * Sorts any number of byte strings (one character per byte, `latin1`) by their bytes. As many as fit into `memory`
 * are sorted at a time and written to a file; the files are then merged, only as many at once as `memory` can buffer.
 *
 * @throws ConfigError if the files cannot be written or removed, OutputError if the disk is full or fails, and what
 * `records` throws
 */
export async function* sortRecords(
  records: AsyncIterable<readonly string[]>,
  { memory, directory }: SortSpace,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const width = mergeWidth(memory);
  const runs: string[] = [];
  let own: string | undefined;
  let named = 0;
  let held: string[] = [];
  let bytes = 0;
  let isFailing = false;

  async function nextPath(): Promise<string> {
    own ??= await mkdtemp(join(directory, 'topobank-backup-'));
    return join(own, String(named++));
  }

  async function spill(): Promise<void> {
    const path = await nextPath();
    await writeRun(path, inBatches(held.sort()), signal);
    runs.push(path);
    held = [];
    bytes = 0;
  }

  function refuse(error: unknown): never {
    signal.throwIfAborted();
    throw noRoom(directory, error);
  }

  async function remove(): Promise<void> {
    if (own === undefined) return;
    await rm(own, { recursive: true, force: true }).catch((error: unknown) => {
      // Why the sort failed is the error to report.
      if (!isFailing) throw fileError({ doing: `cannot remove ${own}`, remedy: 'delete it by hand' }, error);
    });
  }

  try {
    for await (const batch of records) {
      for (const record of batch) {
        held.push(record);
        bytes += record.length + STRING_BYTES;
      }
      if (bytes >= memory) await spill().catch(refuse);
    }
    if (runs.length === 0) {
      yield* inBatches(held.sort());
      return;
    }
    try {
      if (held.length > 0) await spill();
      yield* mergeRuns(await reduceRuns(runs, width, nextPath, signal), width, signal);
    } catch (error) {
      refuse(error);
    }
  } catch (error) {
    isFailing = true;
    throw error;
  } finally {
    await remove();
  }
}

function noRoom(directory: string, error: unknown): OperatorError {
  const remedy = 'set AUDIT_TMPDIR to a writable directory with free space, or raise AUDIT_SORT_MEMORY';
  return fileError({ doing: `cannot sort in ${directory}`, remedy }, error);
}
