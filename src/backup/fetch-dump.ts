import { basename } from 'node:path';
import type { UsableBackup } from '../catalog/backup.ts';
import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import { remedyForDamage } from '../catalog/dump-source.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { scanDump } from '../dump/scanner.ts';
import { DatabaseError, DumpError } from '../errors.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import { broadcast } from '../s3/broadcast.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import { stoppable } from '../stoppable.ts';
import { formatCount } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { watched } from '../watched.ts';
import { writeNewFile } from './new-file.ts';

/** What downloading a dump needs. */
export interface FetchContext extends ClientTools {
  readonly store: Store;
  readonly log: Logger;
  readonly startProgress: StartProgress;
}

/** What was proven about the bytes fetched. */
type FetchProof = 'every byte, by the manifest' | 'complete, without a manifest' | 'nothing, compressed';

/**
 * Downloads a backup's dump into `directory`. The file gets its name only once every byte is there and unpacks to a
 * whole dump, the one in the manifest if there is one. What cannot be unpacked here is fetched as it is, with a
 * warning.
 *
 * @returns the file's path and what was proven
 * @throws ConfigError if the file exists or the directory cannot be written
 * @throws DumpError if it is not a whole dump, or the bytes do not match the manifest
 */
export async function fetchDump(
  context: FetchContext,
  backup: UsableBackup<Manifest>,
  directory: string,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly proof: FetchProof }> {
  const { key, bytes } = backup.dump;
  const progress = context.startProgress('fetch', bytes);
  const { either, stop } = stoppable(signal);

  const object = readObject(context.store, key, { signal: either });
  const [toFile, toCheck] = broadcast(
    watched(object, (chunk) => progress.add(chunk.length)),
    2,
  );
  if (toFile === undefined || toCheck === undefined) throw new Error('not every reader is there');
  let refusal: { readonly error: unknown } | undefined;
  const checking = check(context, backup, toCheck, either).catch((error: unknown) => {
    refusal = { error };
    throw error;
  });
  // It is awaited in its turn, but may fail before that.
  checking.catch(() => {});

  async function* proven(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let written = 0;
    for await (const chunk of chunks) {
      // Do not wait for the rest of a dump that is refused.
      if (refusal !== undefined) throw refusal.error;
      written += chunk.length;
      yield chunk;
    }
    // For bytes that cannot be unpacked here, this is the only sign of whether all are there.
    if (written !== bytes) {
      const fault = `it has ${formatCount(written)} bytes instead of ${formatCount(bytes)}`;
      throw otherBytes(context.store, backup, fault);
    }
    await checking;
  }

  try {
    const path = await writeNewFile(directory, basename(key), proven(toFile), signal);
    return { path, proof: await checking };
  } finally {
    stop();
    // If no file was begun, nothing else has ended this reader, and the other would wait for it.
    await toFile.return?.();
    await Promise.allSettled([checking]);
    progress.stop();
  }
}

/** @throws DumpError if it is not a whole dump, or not the one in its manifest */
async function check(
  { store, binDir, env, log }: FetchContext,
  backup: UsableBackup<Manifest>,
  bytes: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<FetchProof> {
  const { dump, manifest } = backup;
  const { key } = dump;
  try {
    const plain = readPlainDump(bytes, { name: key, binDir, env, signal });
    const index = await scanDump(key, plain, { onBytes: () => {} });
    if (manifest === undefined) return 'complete, without a manifest';
    const fault = compareIndex(manifest, index)[0];
    if (fault === undefined) return 'every byte, by the manifest';
    throw otherBytes(store, backup, describeFault(fault));
  } catch (error) {
    if (signal.aborted || !isAboutThisMachine(error)) throw error;
    log.warn(`${error.message}; fetching ${key} without checking it`);
    return 'nothing, compressed';
  }
}

/** Whether a dump cannot be unpacked here but may still be good. */
function isAboutThisMachine(error: unknown): error is DatabaseError | DumpError {
  return error instanceof DatabaseError || (error instanceof DumpError && error.cannotUnpack);
}

/** @param fault as a single clause */
export function otherBytes(store: Store, backup: UsableBackup, fault: string): DumpError {
  const { dump, manifest } = backup;
  const other =
    manifest === undefined ? 'it changed while it was being read' : 'its bytes do not match its manifest';
  return new DumpError({
    doing: `cannot fetch ${dump.key} from bucket ${store.bucket}`,
    problem: `${other}: ${fault}`,
    remedy: remedyForDamage(backup),
  });
}
