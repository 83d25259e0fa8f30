import { dumpKey, manifestKey } from '../catalog/backup-name.ts';
import { encodeManifest, type Manifest } from '../catalog/manifest.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { createScanner, drain } from '../dump/scanner.ts';
import { StoreError } from '../errors.ts';
import { openMultipartWriter } from '../s3/multipart-writer.ts';
import type { Store } from '../s3/store.ts';
import type { Progress } from '../ui/progress.ts';

/** How long removing what a failed run left may take, in milliseconds. */
const CLEAN_UP_MS = 10_000;

/** Where a dump goes and how it is cut into parts. */
export interface DumpDestination {
  readonly store: Store;
  readonly prefix: string;
  readonly maxParts: number;
  readonly partsInFlight: number;
}

/** What the manifest says beyond what the dump's own bytes tell. */
export type Provenance = Pick<
  Manifest,
  'id' | 'startedAt' | 'tool' | 'database' | 'server' | 'pgDump' | 'snapshot' | 'migrations'
>;

/**
 * Streams a plain dump into the store and puts its manifest beside it. The backup exists when this returns; when it
 * throws, or `signal` is aborted, nothing of it is left.
 *
 * @param dump the dump's bytes; it throws at its end if they are not to be trusted
 * @throws DumpError when they are no whole dump, StoreError when the store fails
 */
export async function storeDump(
  destination: DumpDestination,
  dump: AsyncIterable<Buffer>,
  provenance: Provenance,
  options: { readonly now: () => Date; readonly progress: Progress; readonly signal: AbortSignal },
): Promise<Manifest> {
  const { store, prefix } = destination;
  const key = dumpKey(prefix, provenance.id);
  const index = await upload(destination, key, dump, options);
  const manifest: Manifest = {
    format: 1,
    key,
    bytes: index.bytes,
    storedBytes: index.bytes,
    compression: null,
    ...provenance,
    server: provenance.server ?? index.serverVersion ?? null,
    pgDump: provenance.pgDump ?? index.pgDumpVersion ?? null,
    finishedAt: options.now().toISOString(),
    roles: [...index.roles],
    ownerRoles: [...index.ownerRoles],
    encoding: index.encoding ?? null,
    sections: [...index.sections],
    tables: index.tables.map((table) => ({
      ...table,
      columns: [...table.columns],
      checkpoints: [...table.checkpoints],
    })),
  };
  await commit(store, key, manifestKey(prefix, provenance.id), manifest, options.signal);
  return manifest;
}

async function upload(
  { store, maxParts, partsInFlight }: DumpDestination,
  key: string,
  dump: AsyncIterable<Buffer>,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<DumpIndex> {
  const writer = await openMultipartWriter(store, key, {
    contentType: 'application/sql',
    maxParts,
    partsInFlight,
    signal,
    onSent: (bytes) => progress.add(bytes),
  });
  try {
    const scanner = createScanner(key);
    for await (const chunk of dump) {
      drain(scanner.push(chunk));
      await writer.write(chunk);
    }
    drain(scanner.end());
    await writer.complete();
    return scanner.finish();
  } catch (error) {
    await writer.abort();
    throw signal.aborted ? signal.reason : error;
  }
}

/** The manifest is the commit mark: without it the dump goes too. */
async function commit(
  store: Store,
  key: string,
  mark: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  let written: boolean | undefined;
  try {
    written = await store.put(mark, encodeManifest(manifest), {
      ifAbsent: true,
      contentType: 'application/json',
      signal,
    });
  } catch (error) {
    await store.remove([mark, key], AbortSignal.timeout(CLEAN_UP_MS)).catch(() => {});
    throw error;
  }
  if (written) return;
  throw new StoreError({
    doing: `cannot write ${mark} to bucket ${store.bucket}`,
    problem: 'an object of that name has come to exist meanwhile',
    remedy: 'run one backup at a time',
  });
}
