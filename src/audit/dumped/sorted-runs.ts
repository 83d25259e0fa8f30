import { open, rm, writeFile } from 'node:fs/promises';

/** Records per batch. */
const BATCH = 1000;

/** Size in bytes of the length before each record in a file. */
const LENGTH_BYTES = 4;

/** Limits of the bytes read from a run at once. */
const MOST_READ = 64 * 1024;
const LEAST_READ = 8 * 1024;

/**
 * Memory that an open run takes, per byte read: the bytes themselves, and the same as records, which strings make
 * larger.
 */
const MEMORY_PER_READ = 4;

/** Maximum number of runs open in one merge. More would only have to be read in smaller pieces. */
const MOST_OPEN = 16;

/** How runs are read so that those open at the same time fit into the memory of a sort. */
interface MergeWidth {
  /** Runs open at the same time, not counting the one that they are merged into. */
  readonly open: number;
  /** Bytes read from each at once. */
  readonly readBytes: number;
}

/** @param memory bytes that the sort may hold; at least two runs are merged, however few these are */
export function mergeWidth(memory: number): MergeWidth {
  const open = clamp(Math.floor(memory / (MEMORY_PER_READ * LEAST_READ)), 2, MOST_OPEN);
  const readBytes = clamp(Math.floor(memory / (MEMORY_PER_READ * open)), LEAST_READ, MOST_READ);
  return { open, readBytes };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Splits sorted records in memory into batches. */
export function* inBatches(records: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < records.length; at += BATCH) yield records.slice(at, at + BATCH);
}

/**
 * Writes sorted records (one character per byte) to a file.
 *
 * @throws the file system's errors, and an AbortError if the signal is aborted
 */
export async function writeRun(
  path: string,
  records: Iterable<readonly string[]> | AsyncIterable<readonly string[]>,
  signal: AbortSignal,
): Promise<void> {
  await writeFile(path, frames(records), { signal });
}

/**
 * Merges runs, the oldest first, until no more are left than may be open. Merged runs are removed.
 *
 * @param nextPath names the file of a new run
 * @returns the runs that are left
 */
export async function reduceRuns(
  runs: readonly string[],
  width: MergeWidth,
  nextPath: () => Promise<string>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  let left = runs;
  while (left.length > width.open) {
    // No more than necessary, because each record merged here is written and read once more.
    const count = Math.min(width.open, left.length - width.open + 1);
    const some = left.slice(0, count);
    const path = await nextPath();
    await writeRun(path, mergeRuns(some, width, signal), signal);
    await Promise.all(some.map((merged) => rm(merged)));
    left = [...left.slice(count), path];
  }
  return left;
}

interface Head {
  readonly run: AsyncGenerator<readonly string[]>;
  batch: readonly string[];
  at: number;
}

/** The records of all runs in order. There are few runs, so the least head is found by a linear search. */
export async function* mergeRuns(
  paths: readonly string[],
  { readBytes }: MergeWidth,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const runs = paths.map((path) => readRun(path, readBytes, signal));
  const heads: Head[] = [];
  try {
    for (const run of runs) {
      const first = await run.next();
      if (first.done !== true) heads.push({ run, batch: first.value, at: 0 });
    }
    let merged: string[] = [];
    while (heads.length > 0) {
      let least = 0;
      for (let other = 1; other < heads.length; other++) {
        if (recordOf(heads[other]) < recordOf(heads[least])) least = other;
      }
      const head = heads[least] as Head;
      merged.push(recordOf(head));
      head.at += 1;
      if (head.at === head.batch.length) {
        const next = await head.run.next();
        if (next.done === true) heads.splice(least, 1);
        else Object.assign(head, { batch: next.value, at: 0 });
      }
      if (merged.length >= BATCH) {
        yield merged;
        merged = [];
      }
    }
    if (merged.length > 0) yield merged;
  } finally {
    await Promise.allSettled(runs.map((run) => run.return(undefined)));
  }
}

function recordOf(head: Head | undefined): string {
  return head?.batch[head.at] ?? '';
}

/** Records prefixed with their lengths, one buffer per batch. */
async function* frames(
  batches: Iterable<readonly string[]> | AsyncIterable<readonly string[]>,
): AsyncGenerator<Buffer> {
  for await (const records of batches) {
    const length = records.reduce((sum, record) => sum + LENGTH_BYTES + record.length, 0);
    const frame = Buffer.allocUnsafe(length);
    let end = 0;
    for (const record of records) {
      end = frame.writeUInt32LE(record.length, end);
      end += frame.write(record, end, 'latin1');
    }
    yield frame;
  }
}

/** Closes its file as soon as it ends, so that the number of open files is known. */
async function* readRun(
  path: string,
  readBytes: number,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const file = await open(path);
  try {
    let bytes = Buffer.allocUnsafe(readBytes);
    let held = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(bytes, held, bytes.length - held, null);
      if (bytesRead === 0 && held > 0) throw new Error('a file of sorted records ends early');
      if (bytesRead === 0) return;
      held += bytesRead;
      const records: string[] = [];
      let at = 0;
      while (at + LENGTH_BYTES <= held) {
        const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
        if (end > held) break;
        records.push(bytes.toString('latin1', at + LENGTH_BYTES, end));
        at = end;
      }
      bytes.copyWithin(0, at, held);
      held -= at;
      // The next record is longer than the buffer.
      if (held === bytes.length) bytes = Buffer.concat([bytes], 2 * held);
      if (records.length > 0) yield records;
    }
  } finally {
    await file.close();
  }
}
