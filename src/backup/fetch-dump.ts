import { basename } from 'node:path';
import type { UsableBackup } from '../catalog/catalog.ts';
import { compareIndex, describeFault, remedyForDamage } from '../catalog/compare-index.ts';
import { createScanner, drain } from '../dump/scanner.ts';
import { DumpError } from '../errors.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import type { StartProgress } from '../ui/progress.ts';
import { writeNewFile } from './new-file.ts';

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
  const scanned = dump.compression === null;
  const progress = options.startProgress('fetch', dump.bytes);

  async function* proven(): AsyncGenerator<Buffer> {
    const scanner = createScanner(dump.key);
    for await (const chunk of readObject(store, dump.key, { signal })) {
      if (scanned) drain(scanner.push(chunk));
      progress.add(chunk.length);
      yield chunk;
    }
    if (!scanned) return;
    drain(scanner.end());
    const fault = manifest === undefined ? undefined : compareIndex(manifest, scanner.finish())[0];
    if (fault !== undefined) throw otherBytes(store, backup, describeFault(fault));
  }

  let path: string;
  try {
    path = await writeNewFile(directory, basename(dump.key), proven(), signal);
  } finally {
    progress.stop();
  }
  if (!scanned) return { path, proof: 'nothing, compressed' };
  return {
    path,
    proof: manifest === undefined ? 'complete, without a manifest' : 'every byte, by the manifest',
  };
}

/** @param fault in one clause */
export function otherBytes(store: Store, { id, dump }: UsableBackup, fault: string): DumpError {
  return new DumpError({
    doing: `cannot fetch ${dump.key} from bucket ${store.bucket}`,
    problem: `its bytes are not those of its manifest: ${fault}`,
    remedy: remedyForDamage(id),
  });
}
