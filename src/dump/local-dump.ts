import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DumpError, messageOf, NotFoundError } from '../errors.ts';
import type { ByteRange } from './read-text.ts';

/** A dump in a local file. */
export interface LocalDump {
  /** Size of the file in bytes. */
  readonly bytes: number;
  /**
   * The file's bytes, or those of a range; may be called more than once.
   *
   * @throws DumpError if they cannot be read
   */
  read(range?: ByteRange): AsyncIterable<Buffer>;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
};

const NAME_A_FILE = 'give a file written by pg_dump';

/** pg_dump's directory format has a table of contents. */
async function directoryRemedy(directory: string, other: string): Promise<string> {
  const contents = await stat(join(directory, 'toc.dat')).catch(() => undefined);
  return contents !== undefined
    ? `convert it with pg_restore --file=dump.sql ${directory} and give dump.sql`
    : other;
}

/**
 * @param nameAnother what to do if there is no dump, for a command that takes more than files
 * @throws NotFoundError if there is no such file or it cannot be read
 */
export async function openLocalDump(
  file: string,
  signal: AbortSignal,
  nameAnother = NAME_A_FILE,
): Promise<LocalDump> {
  const unreadable = (problem: string, cause?: unknown, remedy = nameAnother) =>
    new NotFoundError({
      doing: `cannot read the dump ${file}`,
      problem,
      remedy,
      cause,
    });
  try {
    // Opening a pipe would wait for its writer.
    const info = await stat(file);
    if (info.isDirectory())
      throw unreadable('it is a directory', undefined, await directoryRemedy(file, nameAnother));
    if (!info.isFile()) throw unreadable('it is not a regular file');
    await access(file, constants.R_OK);
    return {
      bytes: info.size,
      read: (range) => readFileBytes(file, range, signal),
    };
  } catch (error) {
    if (error instanceof NotFoundError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const remedy = code === 'EACCES' ? `let uid ${process.getuid?.()} read it` : nameAnother;
    throw unreadable(PROBLEMS[code ?? ''] ?? String(code ?? error), error, remedy);
  }
}

async function* readFileBytes(
  file: string,
  range: ByteRange | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024, signal, ...range })) {
      yield chunk as Buffer;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new DumpError({
      doing: `cannot read the dump ${file}`,
      problem: messageOf(error),
      remedy: 'check the disk it is on, or use another copy of it',
      cause: error,
    });
  }
}
