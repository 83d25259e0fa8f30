import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../errors.ts';

/** What a string takes in memory beside its characters, in bytes, about. */
const STRING_BYTES = 32;

/** Records that are handed on together. */
const BATCH = 1000;

/** Bytes of the length in front of each record in a file. */
const LENGTH_BYTES = 4;

export interface SortSpace {
  /** Bytes in memory; what is more goes into files. */
  readonly memory: number;
  /** Where the files lie, in a directory of their own that is removed in the end. */
  readonly directory: string;
}

/**
 * Sorts byte strings (one character a byte, `latin1`) by their bytes, however many: so many as `memory` holds are
 * sorted at once and written to a file, and the files are merged.
 *
 * @throws ConfigError when the files cannot be written, and what `records` throws
 */
export async function* sortRecords(
  records: AsyncIterable<readonly string[]>,
  { memory, directory }: SortSpace,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const runs: string[] = [];
  let own: string | undefined;
  let held: string[] = [];
  let bytes = 0;

  async function spill(): Promise<void> {
    try {
      own ??= await mkdtemp(join(directory, 'topobank-backup-'));
      const path = join(own, String(runs.length));
      runs.push(path);
      await pipeline(frames(held.sort()), createWriteStream(path), { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw noRoom(directory, error);
    }
    held = [];
    bytes = 0;
  }

  try {
    for await (const batch of records) {
      for (const record of batch) {
        held.push(record);
        bytes += record.length + STRING_BYTES;
      }
      if (bytes >= memory) await spill();
    }
    if (runs.length === 0) {
      held.sort();
      for (let at = 0; at < held.length; at += BATCH) yield held.slice(at, at + BATCH);
      return;
    }
    if (held.length > 0) await spill();
    yield* merge(runs.map((path) => readRun(path, signal)));
  } finally {
    if (own !== undefined) await rm(own, { recursive: true, force: true });
  }
}

/** Records with their lengths, some at a time. */
function* frames(records: readonly string[]): Generator<Buffer> {
  for (let at = 0; at < records.length; at += BATCH) {
    const parts = records.slice(at, at + BATCH);
    const length = parts.reduce((sum, record) => sum + LENGTH_BYTES + record.length, 0);
    const frame = Buffer.allocUnsafe(length);
    let end = 0;
    for (const record of parts) {
      end = frame.writeUInt32LE(record.length, end);
      end += frame.write(record, end, 'latin1');
    }
    yield frame;
  }
}

async function* readRun(path: string, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { signal })) {
    const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    const records: string[] = [];
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      records.push(bytes.toString('latin1', at + LENGTH_BYTES, end));
      at = end;
    }
    rest = bytes.subarray(at);
    if (records.length > 0) yield records;
  }
}

interface Head {
  readonly run: AsyncGenerator<readonly string[]>;
  batch: readonly string[];
  at: number;
}

/** Runs are few, as each fills the memory that its sort is allowed; so the least head is looked for among all. */
async function* merge(runs: readonly AsyncGenerator<readonly string[]>[]): AsyncGenerator<readonly string[]> {
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

function noRoom(directory: string, error: unknown): ConfigError {
  return new ConfigError({
    doing: `cannot sort in ${directory}`,
    problem: (error as NodeJS.ErrnoException).code ?? String(error),
    remedy:
      'name a directory that can be written to and has room in AUDIT_TMPDIR, or raise AUDIT_SORT_MEMORY',
    cause: error,
  });
}
