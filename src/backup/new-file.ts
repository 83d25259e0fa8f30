import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ConfigError, OperatorError } from '../errors.ts';

/**
 * Writes `bytes` into the file `name` of `directory`. The file has its name only when every byte is there; when
 * `bytes` throws, or `signal` is aborted, nothing of it is left.
 *
 * @returns the file's path
 * @throws ConfigError when the file exists or the directory cannot be written, and what `bytes` throws
 */
export async function writeNewFile(
  directory: string,
  name: string,
  bytes: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<string> {
  const path = join(directory, name);
  const partial = `${path}.part`;
  await prepare(path, directory);
  try {
    await pipeline(bytes, createWriteStream(partial, { flags: 'w' }), { signal });
    await rename(partial, path);
    return path;
  } catch (error) {
    await rm(partial, { force: true });
    throw signal.aborted ? signal.reason : fileError(error, partial);
  }
}

async function prepare(path: string, directory: string): Promise<void> {
  try {
    await makeDirectory(directory);
  } catch (error) {
    throw fileError(error, directory);
  }
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  throw new ConfigError({
    doing: `cannot write ${path}`,
    problem: 'the file exists',
    remedy: 'move it away or name another directory',
  });
}

/** As `mkdir -p`. Node's own recursive mkdir never ends below a directory that takes no others, as /proc. */
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

function fileError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof OperatorError) return error;
  return new ConfigError({
    doing: `cannot write ${path}`,
    problem: code ?? String(error),
    remedy: 'name a directory that can be written and has room',
    cause: error,
  });
}
