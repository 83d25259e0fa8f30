import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ConfigError, OperatorError } from '../errors.ts';
import { fileError } from '../file-error.ts';

/** A dump holds data that few may read in the database. */
const OWNER_ONLY = 0o600;

/**
 * Writes `bytes` to the file `name` in `directory`. Only its owner may read the file, and it gets its name only once
 * every byte is there; if `bytes` throws, or `signal` is aborted, nothing of it is left.
 *
 * @returns the file's path
 * @throws ConfigError if the file exists or the directory cannot be written, OutputError if its disk is full or
 * fails, and what `bytes` throws
 */
export async function writeNewFile(
  directory: string,
  name: string,
  bytes: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<string> {
  const path = join(directory, name);
  const partial = `${path}.${randomUUID()}.part`;
  await prepare(path, directory);
  let failed: { readonly error: unknown } | undefined;
  async function* source(): AsyncGenerator<Buffer> {
    const iterator = bytes[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await iterator.next().catch((error: unknown) => {
          failed = { error };
          throw error;
        });
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  try {
    await pipeline(source, createWriteStream(partial, { flags: 'wx', mode: OWNER_ONLY }), { signal });
    await giveName(partial, path);
    await rm(partial, { force: true });
    return path;
  } catch (error) {
    // In a directory that cannot be searched, this fails as the write did, and says less.
    await rm(partial, { force: true }).catch(() => {});
    signal.throwIfAborted();
    throw failed === undefined ? unwritable(error, partial) : failed.error;
  }
}

/** Errors from file systems without hard links, as on USB sticks and some network drives. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Unlike a rename, a link does not replace a file created meanwhile. */
async function giveName(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw taken(path);
    if (code === undefined || !NO_LINKS.has(code)) throw error;
    await rename(partial, path);
  }
}

async function prepare(path: string, directory: string): Promise<void> {
  try {
    await makeDirectory(directory);
  } catch (error) {
    throw unwritable(error, directory);
  }
  if ((await stat(path).catch(() => undefined)) !== undefined) throw taken(path);
}

function taken(path: string): ConfigError {
  return new ConfigError({
    doing: `cannot write ${path}`,
    problem: 'the file exists',
    remedy: 'move it, or give another directory',
  });
}

/** Like `mkdir -p`. Node's own recursive mkdir never ends below a directory that refuses new ones (/proc). */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(directory)).isDirectory()) return;
    const above = dirname(directory);
    const aboveIsMissing = code === 'ENOENT' && (await stat(above).catch(() => undefined)) === undefined;
    if (!aboveIsMissing || above === directory) throw error;
    await makeDirectory(above);
    await mkdir(directory);
  }
}

function unwritable(error: unknown, path: string): unknown {
  if (error instanceof OperatorError) return error;
  const remedy = 'give a writable directory with free space';
  return fileError({ doing: `cannot write ${path}`, remedy }, error, {
    EACCES: `uid ${process.getuid?.()} may not write there`,
    EEXIST: 'it is a file',
    ENOTDIR: 'part of its path is a file',
    EROFS: 'the file system is read-only',
  });
}
