import { manifestKey } from '../catalog/backup-name.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { encodeManifest, MANIFEST_LIMIT, type Manifest } from '../catalog/manifest.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { createScanner } from '../dump/scanner.ts';
import type { DumpToken } from '../dump/tokens.ts';
import { DumpError, NotFoundError, OperatorError } from '../errors.ts';
import type { MediaRecording } from '../media/record-media.ts';
import { overtakenError } from '../s3/errors.ts';
import { type MultipartWriter, writeUpload } from '../s3/multipart-writer.ts';
import { collect, readObject } from '../s3/reader.ts';
import type { Store, StoredObject, Upload } from '../s3/store.ts';
import { formatNumber } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { Progress } from '../ui/progress.ts';
import { uninterrupted } from '../uninterrupted.ts';

/** How long removing the remains of a failed run may take, in milliseconds. */
const CLEAN_UP_MS = 10_000;

/** Where a dump goes and how it is split into parts. */
export interface DumpDestination extends Catalog {
  readonly maxParts: number;
  readonly partsInFlight: number;
}

/** What the manifest says beyond what can be learned from the dump's own bytes. */
export type Provenance = Pick<
  Manifest,
  'id' | 'startedAt' | 'tool' | 'database' | 'snapshot' | 'session' | 'migrations'
>;

/** How a dump is stored, and what goes beside it. */
export interface StoreDumpOptions {
  /** Of the dump; it is aborted if the dump cannot be stored. */
  readonly upload: Upload;
  /** The list of media written beside the dump; it becomes visible after the dump and before the manifest. */
  readonly media?: Pick<MediaRecording, 'written' | 'finish'> | undefined;
  /** Called with each of the dump's tokens; may throw to refuse the dump. */
  readonly inspect?: (token: DumpToken) => void;
  /** What errors call the dump: `of database topobank`, `./dump.sql`. */
  readonly name: string;
  readonly now: () => Date;
  readonly progress: Pick<Progress, 'add' | 'step'>;
  /** Receives warnings about what could not be removed of a failed dump. */
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Streams a plain dump into the store and puts its manifest beside it. The backup exists when this returns. When it
 * throws, or `signal` is aborted, nothing of it is left, unless the store refuses the removal, which is logged as a
 * warning.
 *
 * @param dump the dump's bytes; throws at the end if they are not to be trusted
 * @throws DumpError if they are not a whole dump, StoreError if the store fails
 */
export async function storeDump(
  destination: DumpDestination,
  dump: AsyncIterable<Buffer>,
  provenance: Provenance,
  options: StoreDumpOptions,
): Promise<Manifest> {
  const { store, prefix, maxParts, partsInFlight } = destination;
  const { upload, name, now, progress, log, signal } = options;
  const { key } = upload;
  const keyOfManifest = manifestKey(prefix, provenance.id);
  let manifestLeft = false;
  const writer = writeUpload(store, upload, {
    maxParts,
    partsInFlight,
    signal,
    onSent: (bytes) => progress.add(bytes),
    onLeft: (what, error) =>
      log.warn(describeLeft(what === 'object' && manifestLeft ? 'both' : what, key, error)),
  });
  try {
    const index = await writeDump(writer, dump, options);
    // Everything that can fail or takes long happens before the dump is visible, because without its manifest it is
    // listed as foreign.
    encodeWithin(describeDump({ key, bytes: index.bytes, etag: '' }, index, provenance, now()), name);
    await options.media?.written((objects) =>
      progress.step(`recording media: ${formatNumber(objects, 'object')} listed`),
    );
    const stored = await writer.complete();
    const media = await options.media?.finish();
    const manifest = describeDump(stored, index, { ...provenance, media }, now());
    signal.throwIfAborted();
    await putManifest(store, writer, keyOfManifest, encodeWithin(manifest, name), (error) => {
      manifestLeft = true;
      log.warn(describeLeft('manifest', keyOfManifest, error));
    });
    return manifest;
  } catch (error) {
    await writer.abort();
    throw signal.aborted ? signal.reason : error;
  }
}

/** What may remain of a failed run, by what it is: `both` is a dump whose manifest may remain too. */
const LEFT = {
  upload: (key: string) =>
    `an unfinished upload of ${key} may remain; a later backup will abort it if permitted`,
  object: (key: string) =>
    `${key} may remain without its manifest; \`list\` then shows it as foreign, and it can be deleted`,
  manifest: (key: string) =>
    `${key} may remain; without its dump, \`list\` shows it as broken, and it can be deleted`,
  both: (key: string) =>
    `${key} may remain with its manifest; \`list\` then shows it as complete, and both can be deleted`,
} as const;

function describeLeft(what: keyof typeof LEFT, key: string, error: unknown): string {
  return `${LEFT[what](key)}: ${error instanceof OperatorError ? error.message : 'the server did not answer in time'}`;
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
  { key, bytes, etag }: Pick<StoredObject, 'key' | 'bytes' | 'etag'>,
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
    server: index.serverVersion ?? null,
    pgDump: index.pgDumpVersion ?? null,
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

/** @throws DumpError for a manifest larger than what is ever read */
function encodeWithin(manifest: Manifest, name: string): Buffer {
  const encoded = encodeManifest(manifest);
  if (encoded.length <= MANIFEST_LIMIT) return encoded;
  throw new DumpError({
    doing: `cannot describe the dump ${name}`,
    problem: `its manifest would have ${encoded.length} bytes, more than the maximum of ${MANIFEST_LIMIT}`,
    remedy: 'back up this database with pg_dump alone; a dump without a manifest can be restored too',
  });
}

/**
 * Writes the commit mark, or leaves nothing of it. The write is short, and if interrupted it could take effect after
 * the check for it; so an abort waits until it is done.
 *
 * @param onLeft called if it may remain although the write failed
 */
async function putManifest(
  store: Store,
  writer: MultipartWriter,
  key: string,
  manifest: Buffer,
  onLeft: (error: unknown) => void,
): Promise<void> {
  const signal = uninterrupted();
  const put = (condition: { readonly ifAbsent: boolean }) =>
    store.put(key, manifest, { ...condition, contentType: 'application/json', signal });
  try {
    if (await put({ ifAbsent: true })) return;
  } catch (error) {
    await removeOwn(store, key, manifest).catch((left: unknown) => {
      if (!(left instanceof NotFoundError)) onLeft(left);
    });
    throw error;
  }
  // Another run took the same name at the same moment. The manifest must belong to the run whose dump the store
  // holds.
  if (await writer.isCurrent(signal)) await put({ ifAbsent: false });
  else throw overtakenError(`cannot write ${key} to bucket ${store.bucket}`);
}

/**
 * Removes an object whose write was interrupted, if it was written after all.
 *
 * @throws NotFoundError if it was not, StoreError, or the reason of a time limit
 */
async function removeOwn(store: Store, key: string, body: Buffer): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  const chunks = await collect(readObject(store, key, { signal }));
  if (Buffer.concat(chunks).equals(body)) await store.remove([key], signal);
}
