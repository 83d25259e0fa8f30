import pLimit from 'p-limit';
import { DumpError, NotFoundError } from '../errors.ts';
import { readObject } from '../s3/reader.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';
import { type Compression, idTime, parseObjectName } from './backup-name.ts';
import { decodeManifest, MANIFEST_LIMIT, type Manifest } from './manifest.ts';

/** Manifests that are read at the same time. */
const READERS = 8;

/**
 * A backup as the store holds it.
 *
 * - `complete`: dump and manifest, and the sizes agree.
 * - `foreign`: a dump without a manifest, as go-s3-backup writes it or an operator copies it in.
 * - `broken`: a manifest without its dump, with a dump of another size, or one that cannot be read.
 */
export type Backup =
  | { readonly state: 'complete'; readonly id: string; readonly dump: Dump; readonly manifest: Manifest }
  | { readonly state: 'foreign'; readonly id: string; readonly dump: Dump; readonly manifest?: undefined }
  | {
      readonly state: 'broken';
      readonly id: string;
      readonly dump: Dump | undefined;
      readonly manifest: Manifest | undefined;
      /** What is wrong, in one clause. */
      readonly fault: string;
    };

/** A backup that can be restored. */
export type UsableBackup = Exclude<Backup, { state: 'broken' }>;

/** The object that holds the dump. */
export interface Dump extends ObjectInfo {
  readonly compression: Compression | null;
}

interface Found {
  dumps: Dump[];
  manifest: ObjectInfo | undefined;
}

/** Every backup under `prefix`, newest first. Objects of other names are not looked at. */
export async function listBackups(store: Store, prefix: string, signal: AbortSignal): Promise<Backup[]> {
  const found = new Map<string, Found>();
  for await (const object of store.list(`${prefix}postgres-backup-`, { signal })) {
    const name = parseObjectName(prefix, object.key);
    if (name === undefined || name.part === 'media') continue;
    const entry = found.get(name.id) ?? { dumps: [], manifest: undefined };
    found.set(name.id, entry);
    if (name.part === 'dump') entry.dumps.push({ ...object, compression: name.compression });
    if (name.part === 'manifest') entry.manifest = object;
  }
  const newestFirst = [...found].sort(([a], [b]) => (a < b ? 1 : -1));
  const limit = pLimit(READERS);
  const backups = await Promise.all(
    newestFirst.map(([id, entry]) => limit(() => describe(store, id, entry, signal))),
  );
  return backups.flat();
}

/** Reads one backup. `undefined` when the store holds neither dump nor manifest of this id. */
export async function findBackup(
  store: Store,
  prefix: string,
  id: string,
  signal: AbortSignal,
): Promise<Backup | undefined> {
  const found: Found = { dumps: [], manifest: undefined };
  for await (const object of store.list(`${prefix}postgres-backup-${id}.`, { signal })) {
    const name = parseObjectName(prefix, object.key);
    if (name?.part === 'manifest') found.manifest = object;
    if (name?.part === 'dump') found.dumps.push({ ...object, compression: name.compression });
  }
  if (found.dumps.length === 0 && found.manifest === undefined) return undefined;
  return (await describe(store, id, found, signal))[0];
}

/** Which backup an operator asks for. */
export type Wanted =
  | { readonly by: 'id'; readonly id: string }
  /** The newest that can be restored. */
  | { readonly by: 'latest' }
  /** The newest that can be restored and was begun at or before this time. */
  | { readonly by: 'time'; readonly at: Date };

/**
 * @throws NotFoundError when there is none
 * @throws DumpError when the one that was named is broken
 */
export async function chooseBackup(
  store: Store,
  prefix: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<UsableBackup> {
  const remedy = 'run `topobank-backup list` to see what there is';
  const where = `${prefix} of bucket ${store.bucket}`;
  if (wanted.by === 'id') {
    const doing = `cannot use backup ${wanted.id}`;
    const backup = await findBackup(store, prefix, wanted.id, signal);
    if (backup === undefined)
      throw new NotFoundError({ doing, problem: `there is none under ${where}`, remedy });
    if (backup.state === 'broken') throw new DumpError({ doing, problem: backup.fault, remedy });
    return backup;
  }
  const until = wanted.by === 'time' ? wanted.at.getTime() : Number.POSITIVE_INFINITY;
  const backups = await listBackups(store, prefix, signal);
  const usable = backups.find(
    (backup): backup is UsableBackup =>
      backup.state !== 'broken' && (idTime(backup.id)?.getTime() ?? Number.POSITIVE_INFINITY) <= until,
  );
  if (usable !== undefined) return usable;
  throw new NotFoundError({
    doing:
      wanted.by === 'latest'
        ? 'cannot find the latest backup'
        : `cannot find a backup of ${wanted.at.toISOString()} or before`,
    problem: `there is none that is whole under ${where}`,
    remedy,
  });
}

async function describe(store: Store, id: string, found: Found, signal: AbortSignal): Promise<Backup[]> {
  if (found.manifest === undefined) return found.dumps.map((dump) => ({ state: 'foreign', id, dump }));
  const { key } = found.manifest;
  let manifest: Manifest | undefined;
  try {
    manifest = await readManifest(store, found.manifest, signal);
  } catch (error) {
    if (!(error instanceof DumpError)) throw error;
    return [{ state: 'broken', id, dump: found.dumps[0], manifest: undefined, fault: error.message }];
  }
  const named = manifest;
  const dump = found.dumps.find((candidate) => candidate.key === named.key);
  // Dumps of the same time in another form have no manifest of their own.
  const others = found.dumps.filter((candidate) => candidate !== dump);
  const rest = others.map((other): Backup => ({ state: 'foreign', id, dump: other }));
  const fault =
    named.id !== id
      ? `the manifest ${key} is that of backup ${named.id}`
      : dump === undefined
        ? `the dump ${named.key} is missing`
        : dump.bytes === named.storedBytes
          ? undefined
          : `the dump ${named.key} has ${dump.bytes} bytes instead of ${named.storedBytes}`;
  if (fault !== undefined || dump === undefined) {
    return [
      { state: 'broken', id, dump, manifest, fault: fault ?? `the dump ${named.key} is missing` },
      ...rest,
    ];
  }
  return [{ state: 'complete', id, dump, manifest }, ...rest];
}

async function readManifest(store: Store, object: ObjectInfo, signal: AbortSignal): Promise<Manifest> {
  if (object.bytes > MANIFEST_LIMIT) {
    throw new DumpError({
      doing: `cannot read the manifest ${object.key}`,
      problem: `${object.bytes} bytes are too many for a manifest`,
      remedy: 'use another backup',
    });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of readObject(store, object.key, { signal })) chunks.push(chunk);
  return decodeManifest(object.key, Buffer.concat(chunks).toString());
}

/** Whether the store holds nothing of a backup of this id. */
export async function isFree(
  store: Store,
  prefix: string,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const object of store.list(`${prefix}postgres-backup-${id}.`, { signal })) {
    if (parseObjectName(prefix, object.key) !== undefined) return false;
  }
  return true;
}
