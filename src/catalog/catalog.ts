import { DumpError, NotFoundError } from '../errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { readListed } from '../s3/read-listed.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';
import { type Compression, keyBeside, keyStart, parseObjectName } from './backup-name.ts';
import { isAhead } from './backup-time.ts';
import { decodeManifest, MANIFEST_LIMIT, type Manifest } from './manifest.ts';
import { readRecord, type VerificationRecord } from './verification.ts';

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
  | (Described & { readonly state: 'complete'; readonly dump: Dump; readonly manifest: Manifest })
  | (Described & { readonly state: 'foreign'; readonly dump: Dump; readonly manifest?: undefined })
  | (Described & {
      readonly state: 'broken';
      readonly dump: Dump | undefined;
      readonly manifest: Manifest | undefined;
      /** What is wrong, in one clause. */
      readonly fault: string;
      /** Whether it may be whole all the same: its manifest came as another one each time that it was read. */
      readonly unproven: boolean;
    });

interface Described {
  readonly id: string;
  /** Its objects beside the dump, the manifest last. */
  readonly companions: readonly ObjectInfo[];
  /** What verifications have found of this very object. */
  readonly verified?: VerificationRecord | undefined;
  /** Why it is not known what they have found, in one clause, where there is a record that cannot be read. */
  readonly unreadRecord?: string;
}

/** A backup that can be restored. */
export type UsableBackup = Exclude<Backup, { state: 'broken' }>;

export type BrokenBackup = Extract<Backup, { state: 'broken' }>;

/**
 * Whether it is complete, and was taken of a database rather than pushed. Of a dump that was pushed nobody knows when it
 * was made, nor of what: it can be restored like others, and says nothing of whether backups are being made.
 */
export function isTaken(backup: Backup): boolean {
  return backup.state === 'complete' && backup.manifest.database !== null;
}

/** The object that holds the dump. */
export interface Dump extends ObjectInfo {
  /** As its name tells; null for none. */
  readonly compression: Compression | null;
}

interface Found {
  readonly dumps: Dump[];
  readonly media: ObjectInfo[];
  verified: ObjectInfo | undefined;
  manifest: ObjectInfo | undefined;
}

/** Every backup under `prefix`, newest first. Objects of other names are not looked at. */
export async function listBackups(store: Store, prefix: string, signal: AbortSignal): Promise<Backup[]> {
  const objects = await findObjects(store, prefix, signal);
  const backups = await mapConcurrently(objects, READERS, ([id, found]) =>
    describe(store, id, found, signal),
  );
  return backups.flat();
}

/** The same, but each manifest is read only when its backup is asked for: for those who need the newest few. */
export async function* newestBackups(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<Backup> {
  for (const [id, found] of await findObjects(store, prefix, signal)) {
    yield* await describe(store, id, found, signal);
  }
}

/**
 * The newest backup, but for those whose name lies ahead of the clock: a wrong one gave it.
 *
 * @param isWanted which of them count; without it, those in whatever state
 */
export async function newestBackup(
  store: Store,
  prefix: string,
  now: Date,
  signal: AbortSignal,
  isWanted: (backup: Backup) => boolean = () => true,
): Promise<Backup | undefined> {
  for await (const backup of newestBackups(store, prefix, signal))
    if (!isAhead(backup, now) && isWanted(backup)) return backup;
  return undefined;
}

/** Reads the backup of an id, the one that has a manifest first; undefined when there is neither dump nor manifest. */
export async function findBackup(
  store: Store,
  prefix: string,
  id: string,
  signal: AbortSignal,
): Promise<Backup | undefined> {
  return (await findBackups(store, prefix, id, signal))[0];
}

/** Reads the backups of an id: one for each dump of this time, the one that has a manifest first. */
export async function findBackups(
  store: Store,
  prefix: string,
  id: string,
  signal: AbortSignal,
): Promise<Backup[]> {
  const [only] = await findObjects(store, prefix, signal, id);
  return only === undefined ? [] : describe(store, id, only[1], signal);
}

/** What the store holds of each backup, or of the one with this id, newest first. */
async function findObjects(
  store: Store,
  prefix: string,
  signal: AbortSignal,
  id?: string,
): Promise<[id: string, Found][]> {
  const found = new Map<string, Found>();
  for await (const object of store.list(keyStart(prefix, id), { signal })) {
    const name = parseObjectName(prefix, object.key);
    if (name === undefined) continue;
    const entry = found.get(name.id) ?? { dumps: [], media: [], verified: undefined, manifest: undefined };
    found.set(name.id, entry);
    if (name.part === 'dump') entry.dumps.push({ ...object, compression: name.compression });
    else if (name.part === 'manifest') entry.manifest = object;
    else if (name.part === 'verified') entry.verified = object;
    else entry.media.push(object);
  }
  const backups = [...found].filter(([, { dumps, manifest }]) => dumps.length > 0 || manifest !== undefined);
  return backups.sort(([a], [b]) => (a < b ? 1 : -1));
}

async function describe(store: Store, id: string, found: Found, signal: AbortSignal): Promise<Backup[]> {
  const backups = await describeStates(store, id, found, signal);
  if (found.verified === undefined) return backups;
  const read = await readRecord(store, found.verified, signal);
  switch (read.kind) {
    case 'none':
      return backups;
    case 'unread':
      return backups.map((backup) => ({ ...backup, unreadRecord: read.reason }));
    case 'record':
      return backups.map((backup) =>
        isOf(read.record, backup) ? { ...backup, verified: read.record } : backup,
      );
  }
}

/** The object that a verification is about: the dump, or the manifest that names one which is missing. */
export function verifiedObject({ dump, companions }: Backup): ObjectInfo | undefined {
  return dump ?? companions.at(-1);
}

/** An object that was replaced since is another one; one that was copied with the record beside it is the same. */
function isOf({ key, etag, bytes }: VerificationRecord, backup: Backup): boolean {
  const object = verifiedObject(backup);
  if (object === undefined) return false;
  return object.key === keyBeside(object.key, key) && object.etag === etag && object.bytes === bytes;
}

async function describeStates(
  store: Store,
  id: string,
  found: Found,
  signal: AbortSignal,
): Promise<Backup[]> {
  const beside = [...found.media, ...(found.verified === undefined ? [] : [found.verified])];
  if (found.manifest === undefined) {
    return found.dumps.map((dump, at) => ({
      state: 'foreign',
      id,
      dump,
      companions: at === 0 ? beside : [],
    }));
  }
  const { key } = found.manifest;
  const companions = [...beside, found.manifest];
  const named = await readManifest(store, found.manifest, signal).catch(describeUnread);
  if (named === undefined) return [];
  const { manifest } = named;
  const dump = found.dumps.find((candidate) =>
    // Every dump that is written with a manifest is plain SQL.
    manifest === undefined ? candidate.compression === null : candidate.key === manifest.key,
  );
  // Dumps of the same time in another form have no manifest of their own.
  const others = found.dumps.filter((candidate) => candidate !== dump);
  const rest = others.map((other): Backup => ({ state: 'foreign', id, dump: other, companions: [] }));
  const broken = (fault: string): Backup[] => [
    { state: 'broken', id, dump, companions, manifest, fault, unproven: named.unproven },
    ...rest,
  ];
  if (manifest === undefined) return broken(named.fault);
  if (manifest.id !== id) return broken(`the manifest ${key} belongs to backup ${manifest.id}`);
  if (dump === undefined) return broken(`the dump ${manifest.key} is missing`);
  if (dump.bytes !== manifest.storedBytes) {
    return broken(`the dump ${manifest.key} has ${dump.bytes} bytes instead of ${manifest.storedBytes}`);
  }
  return [{ state: 'complete', id, dump, companions, manifest }, ...rest];
}

/** @returns undefined where the manifest was deleted between the listing and the reading, as the last object of its backup */
function describeUnread(error: unknown): UnreadManifest | undefined {
  if (error instanceof NotFoundError) return undefined;
  if (error instanceof DumpError) return { manifest: undefined, fault: error.message, unproven: false };
  throw error;
}

interface UnreadManifest {
  readonly manifest: undefined;
  readonly fault: string;
  readonly unproven: boolean;
}

/** The manifest, with the key of its dump as it lies beside it: backups may be copied to another prefix. */
async function readManifest(
  store: Store,
  object: ObjectInfo,
  signal: AbortSignal,
): Promise<{ readonly manifest: Manifest; readonly unproven: false } | UnreadManifest> {
  if (object.bytes > MANIFEST_LIMIT) {
    throw new DumpError({
      doing: `cannot read the manifest ${object.key}`,
      problem: `${object.bytes} bytes are too many for a manifest`,
      remedy: 'use another backup',
    });
  }
  const text = await readListed(store, object, signal);
  if (text === undefined) {
    const fault = `its manifest ${object.key} reads differently each time; check proxies between this machine and the S3 server, and both machines’ memory`;
    return { manifest: undefined, fault, unproven: true };
  }
  const manifest = decodeManifest(object.key, text.toString());
  return { manifest: { ...manifest, key: keyBeside(object.key, manifest.key) }, unproven: false };
}

/** Whether the store holds nothing of a backup of this id. */
export async function isFree(
  store: Store,
  prefix: string,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const object of store.list(keyStart(prefix, id), { signal })) {
    if (parseObjectName(prefix, object.key) !== undefined) return false;
  }
  return true;
}
