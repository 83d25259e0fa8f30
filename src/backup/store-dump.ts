import { dumpKey, manifestKey } from '../catalog/backup-name.ts';
import { encodeManifest, type Manifest } from '../catalog/manifest.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { createScanner } from '../dump/scanner.ts';
import type { DumpToken } from '../dump/tokens.ts';
import { overtakenError } from '../s3/errors.ts';
import { type MultipartWriter, openMultipartWriter } from '../s3/multipart-writer.ts';
import { collect, readObject } from '../s3/reader.ts';
import type { Store, StoredObject } from '../s3/store.ts';
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

export interface StoreDumpOptions {
  /** Waits for what is written beside the dump; called when the dump is in the store and the manifest is not. */
  readonly finishMedia?: (() => Promise<Manifest['media']>) | undefined;
  /** Is given the dump's tokens, so that it can refuse what they say by an error. */
  readonly inspect?: (token: DumpToken) => void;
  /** What the dump is called in errors: `of database topobank`, `./dump.sql`. */
  readonly name: string;
  readonly now: () => Date;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

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
  options: StoreDumpOptions,
): Promise<Manifest> {
  const { store, prefix, maxParts, partsInFlight } = destination;
  const { now, progress, signal } = options;
  const key = dumpKey(prefix, provenance.id);
  const writer = await openMultipartWriter(store, key, {
    contentType: 'application/sql',
    maxParts,
    partsInFlight,
    signal,
    onSent: (bytes) => progress.add(bytes),
  });
  try {
    const index = await writeDump(writer, dump, options);
    const stored = await writer.complete();
    const media = await options.finishMedia?.();
    const manifest = describeDump(stored, index, { ...provenance, media }, now());
    signal.throwIfAborted();
    await putManifest(store, writer, manifestKey(prefix, provenance.id), encodeManifest(manifest));
    return manifest;
  } catch (error) {
    await writer.abort();
    throw signal.aborted ? signal.reason : error;
  }
}

async function writeDump(
  writer: MultipartWriter,
  dump: AsyncIterable<Buffer>,
  { name, inspect = () => {} }: StoreDumpOptions,
): Promise<DumpIndex> {
  const scanner = createScanner(name);
  for await (const chunk of dump) {
    for (const token of scanner.push(chunk)) inspect(token);
    await writer.write(chunk);
  }
  for (const token of scanner.end()) inspect(token);
  return scanner.finish();
}

function describeDump(
  { key, bytes, etag }: StoredObject,
  index: DumpIndex,
  provenance: Provenance & Pick<Manifest, 'media'>,
  finishedAt: Date,
): Manifest {
  return {
    format: 1,
    key,
    bytes: index.bytes,
    storedBytes: bytes,
    ...(etag === '' ? {} : { etag }),
    compression: null,
    ...provenance,
    server: provenance.server ?? index.serverVersion ?? null,
    pgDump: provenance.pgDump ?? index.pgDumpVersion ?? null,
    finishedAt: finishedAt.toISOString(),
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
}

/**
 * Writes the commit mark, of which nothing is left when it cannot be written. It takes a moment, and broken off it
 * could come into being after it was looked for; so a signal waits until it is there.
 */
async function putManifest(
  store: Store,
  writer: MultipartWriter,
  key: string,
  manifest: Buffer,
): Promise<void> {
  const { signal } = new AbortController();
  const put = (ifAbsent: boolean) =>
    store.put(key, manifest, { ifAbsent, contentType: 'application/json', signal });
  try {
    if (await put(true)) return;
  } catch (error) {
    await removeOwn(store, key, manifest).catch(() => {});
    throw error;
  }
  // Another run took the same name at the same moment. Whose dump the store holds, his manifest is the right one.
  if (await writer.isCurrent(signal)) await put(false);
  else throw overtakenError(`cannot write ${key} to bucket ${store.bucket}`);
}

/** Removes an object whose write was cut off, if it was written after all. */
async function removeOwn(store: Store, key: string, body: Buffer): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  const chunks = await collect(readObject(store, key, { signal }));
  if (Buffer.concat(chunks).equals(body)) await store.remove([key], signal);
}
