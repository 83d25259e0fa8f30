import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { UsableBackup } from '../catalog/catalog.ts';
import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import { createScanner, drain } from '../dump/scanner.ts';
import { ConfigError, DumpError, OperatorError } from '../errors.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import type { StartProgress } from '../ui/progress.ts';

/** What was proven of the bytes that were fetched. */
export type FetchProof =
  | 'every byte, by the manifest'
  | 'complete, without a manifest'
  | 'nothing, compressed';

/**
 * Downloads a backup's dump into `directory`. The file has its name only when every byte is there and proven.
 *
 * @returns the file's path and what was proven
 * @throws ConfigError when the file exists or the directory cannot be written
 * @throws DumpError when the bytes are not those of the manifest
 */
export async function fetchDump(
  store: Store,
  backup: UsableBackup,
  directory: string,
  options: { readonly startProgress: StartProgress; readonly signal: AbortSignal },
): Promise<{ readonly path: string; readonly proof: FetchProof }> {
  const { signal } = options;
  const { dump, manifest } = backup;
  const path = join(directory, basename(dump.key));
  const partial = `${path}.part`;
  await prepare(path, directory);
  const scanned = dump.compression === null;
  const scanner = createScanner(dump.key);
  const progress = options.startProgress('fetch', dump.bytes);

  async function* checked(): AsyncGenerator<Buffer> {
    for await (const chunk of readObject(store, dump.key, { signal })) {
      if (scanned) drain(scanner.push(chunk));
      progress.add(chunk.length);
      yield chunk;
    }
    if (scanned) drain(scanner.end());
  }

  try {
    await pipeline(checked(), createWriteStream(partial, { flags: 'w' }), { signal });
    const fault = scanned && manifest !== undefined ? compareIndex(manifest, scanner.finish())[0] : undefined;
    if (fault !== undefined) {
      throw new DumpError({
        doing: `cannot fetch ${dump.key} from bucket ${store.bucket}`,
        problem: `its bytes are not those of its manifest: ${describeFault(fault)}`,
        remedy: 'use another backup',
      });
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw signal.aborted ? signal.reason : fileError(error, partial);
  } finally {
    progress.stop();
  }
  if (!scanned) return { path, proof: 'nothing, compressed' };
  return {
    path,
    proof: manifest === undefined ? 'complete, without a manifest' : 'every byte, by the manifest',
  };
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
