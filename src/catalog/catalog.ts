import { mapConcurrently } from '../map-concurrently.ts';
import type { Store, StoredObject } from '../s3/store.ts';
import type { Backup, UsableBackup } from './backup.ts';
import { keyStart, parseObjectName } from './backup-name.ts';
import { isAhead } from './backup-time.ts';
import { describeBackups, type FoundObjects, noObjects } from './describe-backup.ts';
import { type Manifest, mayBeOf } from './manifest.ts';

/** Manifests read at the same time. */
const READERS = 8;

/** Where backups are. */
export interface Catalog {
  readonly store: Store;
  /** The prefix of their keys, with its slash. */
  readonly prefix: string;
}

/** Every backup, newest first, with the heads of their manifests. Objects with other names are ignored. */
export async function listBackups(catalog: Catalog, signal: AbortSignal): Promise<Backup[]> {
  const objects = await findObjects(catalog, signal);
  const backups = await mapConcurrently(objects, READERS, async ([id, found]) =>
    (await describeBackups(catalog.store, id, found, signal)).map(withHead),
  );
  return backups.flat();
}

/** A backup as far as it can be held in memory together with all others. */
function withHead(backup: Backup<Manifest>): Backup {
  if (backup.manifest === undefined) return backup;
  const { migrations, roles, ownerRoles, sections, tables, ...head } = backup.manifest;
  return { ...backup, manifest: head } as Backup;
}

/**
 * The same, but each manifest is read only when its backup is requested: for callers that need only the newest few.
 */
export async function* newestBackups(
  catalog: Catalog,
  signal: AbortSignal,
): AsyncGenerator<Backup<Manifest>> {
  for (const [id, found] of await findObjects(catalog, signal)) {
    yield* await describeBackups(catalog.store, id, found, signal);
  }
}

/**
 * The newest backup that may be of a database, except those whose names are ahead of the clock: a wrong clock named
 * them.
 *
 * @param database undefined if any database will do
 * @param isWanted which of its backups count; by default all, in any state
 */
export async function newestBackup(
  catalog: Catalog,
  {
    database,
    now,
    isWanted = () => true,
  }: {
    readonly database: string | undefined;
    readonly now: Date;
    readonly isWanted?: (backup: Backup) => boolean;
  },
  signal: AbortSignal,
): Promise<Backup<Manifest> | undefined> {
  for await (const backup of newestBackups(catalog, signal))
    if (!isAhead(backup, now) && mayBeOf(backup, database) && isWanted(backup)) return backup;
  return undefined;
}

/**
 * Whether a backup that was listed has been deleted since, or is being: its dump is the first to go, its manifest the
 * last. A dump that is still listed although there is no such object is one that the server has lost.
 */
export async function isDeleted(
  store: Store,
  { dump, manifest, companions }: Backup,
  signal: AbortSignal,
): Promise<boolean> {
  const isGone = async (key: string) => (await store.head(key, signal)) === undefined;
  if (dump === undefined || !(await isGone(dump.key))) return false;
  for await (const { key } of store.list(dump.key, { signal })) {
    if (key !== dump.key) break;
    // A listing may lag behind.
    const last = manifest && companions.at(-1);
    return last !== undefined && isGone(last.key);
  }
  return true;
}

/** The object of a backup's dump, which was listed: as it is now, deleted since, or lost by the server. */
export async function lookUpDump(
  store: Store,
  backup: UsableBackup,
  signal: AbortSignal,
): Promise<StoredObject | 'deleted' | 'lost'> {
  const { key } = backup.dump;
  const object = await store.head(key, signal);
  if (object !== undefined) return object;
  if (await isDeleted(store, backup, signal)) return 'deleted';
  // A server may say once of an object that it has that there is none.
  return (await store.head(key, signal)) ?? 'lost';
}

/** Reads the backups with an id: one for each dump of this time, the one that has a manifest first. */
export async function findBackups(
  catalog: Catalog,
  id: string,
  signal: AbortSignal,
): Promise<Backup<Manifest>[]> {
  const [only] = await findObjects(catalog, signal, id);
  return only === undefined ? [] : describeBackups(catalog.store, id, only[1], signal);
}

/** The objects of each backup, or of the one with this id, newest first. */
async function findObjects(
  { store, prefix }: Catalog,
  signal: AbortSignal,
  id?: string,
): Promise<[id: string, FoundObjects][]> {
  const found = new Map<string, FoundObjects>();
  for await (const object of store.list(keyStart(prefix, id), { signal })) {
    const name = parseObjectName(prefix, object.key);
    if (name === undefined) continue;
    const entry = found.get(name.id) ?? noObjects();
    found.set(name.id, entry);
    if (name.part === 'dump') entry.dumps.push({ ...object, compression: name.compression });
    else if (name.part === 'manifest') entry.manifest = object;
    else if (name.part === 'verified') entry.records.set(name.compression, object);
    else entry.media.push(object);
  }
  const backups = [...found].filter(([, { dumps, manifest }]) => dumps.length > 0 || manifest !== undefined);
  return backups.sort(([a], [b]) => (a < b ? 1 : -1));
}

/** Whether the store holds nothing of a backup with this id, or of any. */
export async function isFree(
  { store, prefix }: Catalog,
  id: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const object of store.list(keyStart(prefix, id), { signal })) {
    if (parseObjectName(prefix, object.key) !== undefined) return false;
  }
  return true;
}
