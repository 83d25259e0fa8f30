import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { NotFoundError } from '../errors.ts';

/** A dump in a local file. */
export interface LocalDump {
  /** Size of the file in bytes. */
  readonly bytes: number;
  /** The file's bytes, or `start` to `end` of them, both included; may be called more than once. */
  read(range?: { readonly start: number; readonly end: number }): AsyncIterable<Buffer>;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'it may not be read',
};

/** @throws NotFoundError when there is no such file or it cannot be read */
export async function openLocalDump(file: string, signal: AbortSignal): Promise<LocalDump> {
  const refuse = (problem: string, cause?: unknown) =>
    new NotFoundError({
      doing: `cannot read the dump ${file}`,
      problem,
      remedy: 'name a file that pg_dump wrote; `topobank-backup list` shows the ids of backups',
      cause,
    });
  try {
    const handle = await open(file);
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw refuse('it is no file');
      return {
        bytes: info.size,
        read: (range) =>
          createReadStream(file, { highWaterMark: 256 * 1024, signal, ...range }) as AsyncIterable<Buffer>,
      };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof NotFoundError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw refuse(PROBLEMS[code ?? ''] ?? String(code ?? error), error);
  }
}
