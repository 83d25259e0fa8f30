import { DumpError, NotFoundError } from '../errors.ts';
import { isArchived } from '../s3/errors.ts';
import { readListed } from '../s3/read-listed.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';
import { type Backup, type Dump, type UsableBackup, verifiedObject } from './backup.ts';
import { dumpKey, keyBeside } from './backup-name.ts';
import { decodeManifest, MANIFEST_LIMIT, type Manifest } from './manifest.ts';
import { readRecord, type VerificationRecord } from './verification.ts';

/** The objects of a backup found in a listing. */
export interface FoundObjects {
  readonly dumps: Dump[];
  readonly media: ObjectInfo[];
  /** What verifications found, by the compression of the dump. */
  readonly records: Map<Dump['compression'], ObjectInfo>;
  manifest: ObjectInfo | undefined;
}

/** The objects of a backup before any of them is listed. */
export function noObjects(): FoundObjects {
  return { dumps: [], media: [], records: new Map(), manifest: undefined };
}

/**
 * Reads what a listing found: one backup for each dump of this time, the one that has a manifest first.
 *
 * @throws StoreError, or the signal's reason
 */
export async function describeBackups(
  store: Store,
  id: string,
  found: FoundObjects,
  signal: AbortSignal,
): Promise<Backup<Manifest>[]> {
  const backups: Backup<Manifest>[] = [];
  for (const backup of await describeStates(store, id, found, signal)) {
    const [record] = recordsOf(found, backup.dump);
    backups.push(record === undefined ? backup : await addRecord(store, backup, record, signal));
  }
  return backups;
}

async function addRecord(
  store: Store,
  backup: Backup<Manifest>,
  object: ObjectInfo,
  signal: AbortSignal,
): Promise<Backup<Manifest>> {
  const read = await readRecord(store, object, signal);
  switch (read.kind) {
    case 'none':
      return backup;
    case 'unread':
      return { ...backup, unreadRecord: read.reason };
    case 'record':
      return isRecordOf(read.record, backup) ? { ...backup, verified: read.record } : backup;
  }
}

/** An object replaced since then is a different one; one copied together with the record is the same. */
export function isRecordOf({ key, etag, bytes }: VerificationRecord, backup: Backup): boolean {
  const object = verifiedObject(backup);
  if (object === undefined) return false;
  return object.key === keyBeside(object.key, key) && object.etag === etag && object.bytes === bytes;
}

async function describeStates(
  store: Store,
  id: string,
  found: FoundObjects,
  signal: AbortSignal,
): Promise<Backup<Manifest>[]> {
  if (found.manifest === undefined) {
    return found.dumps.map((dump, at) => ({
      state: 'foreign',
      id,
      dump,
      companions: at === 0 ? besideFirst(found, dump) : recordsOf(found, dump),
    }));
  }
  const { key } = found.manifest;
  const named = await readManifest(store, found.manifest, signal).catch((error: unknown) =>
    describeUnread(key, error),
  );
  if (named === undefined) return [];
  const { manifest } = named;
  const listed = found.dumps.find((candidate) =>
    // Every dump written with a manifest is plain SQL.
    manifest === undefined ? candidate.compression === null : candidate.key === manifest.key,
  );
  // What a manifest names otherwise is not of this backup, and must not be deleted with it.
  const isOwn = manifest?.id === id && manifest.key === keyBeside(key, dumpKey('', id));
  const dump = listed ?? (isOwn ? await findUnlisted(store, manifest, signal) : undefined);
  // Dumps of the same time in another form have no manifest of their own.
  const others = found.dumps.filter((candidate) => candidate !== dump);
  const rest = others.map(
    (other): Backup<Manifest> => ({ state: 'foreign', id, dump: other, companions: recordsOf(found, other) }),
  );
  const companions = [...besideFirst(found, dump), found.manifest];
  const broken = (fault: string): Backup<Manifest>[] => [
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

/**
 * The dump that a listing lacks, if it is there: a listing may lag behind what was written (OpenStack Swift), and a
 * backup whose dump is gone is pruned.
 */
async function findUnlisted(
  store: Store,
  { key, compression }: Manifest,
  signal: AbortSignal,
): Promise<Dump | undefined> {
  const object = await store.head(key, signal);
  return object && { ...object, compression };
}

/** Beside the first backup of an id, which has the list of media: also the records of dumps that are gone. */
function besideFirst(found: FoundObjects, dump: Dump | undefined): ObjectInfo[] {
  const gone = [...found.records]
    .filter(([form]) => form !== formOf(dump) && !found.dumps.some(({ compression }) => compression === form))
    .map(([, record]) => record);
  return [...found.media, ...gone, ...recordsOf(found, dump)];
}

function recordsOf({ records }: FoundObjects, dump: Dump | undefined): ObjectInfo[] {
  const record = records.get(formOf(dump));
  return record === undefined ? [] : [record];
}

/** A backup whose dump is missing has a manifest, so its dump was plain. */
function formOf(dump: Dump | undefined): Dump['compression'] {
  return dump?.compression ?? null;
}

/** @returns undefined if the manifest, the last object of its backup, was deleted between listing and reading */
function describeUnread(key: string, error: unknown): UnreadManifest | undefined {
  if (error instanceof NotFoundError) return undefined;
  if (isArchived(error)) {
    // Nothing else must be kept from being listed, restored or pruned.
    const fault = `its manifest ${key} is in an archive; retrieve it (S3 RestoreObject) to use this backup`;
    return { manifest: undefined, fault, unproven: true };
  }
  if (!(error instanceof DumpError)) throw error;
  const fault = `its manifest ${key} cannot be read: ${error.problem}; if it is deleted, the dump is listed as foreign`;
  return { manifest: undefined, fault, unproven: false };
}

interface UnreadManifest {
  readonly manifest: undefined;
  readonly fault: string;
  readonly unproven: boolean;
}

/**
 * A backup with its whole manifest, if only the head is known.
 *
 * @throws NotFoundError if it was deleted meanwhile, DumpError if its manifest cannot be read or is another one,
 * StoreError, or the signal's reason
 */
export async function readWhole(
  store: Store,
  backup: UsableBackup,
  signal: AbortSignal,
): Promise<UsableBackup<Manifest>> {
  if (isWhole(backup)) return backup;
  const object = backup.companions.at(-1);
  if (object === undefined) throw new Error(`the manifest of backup ${backup.id} is not among its objects`);
  const { manifest, ...unread } = await readManifest(store, object, signal);
  if (manifest?.id === backup.id && manifest.storedBytes === backup.dump.bytes)
    return { ...backup, manifest };
  throw new DumpError({
    doing: `cannot read backup ${backup.id}`,
    problem: 'fault' in unread ? unread.fault : `its manifest ${object.key} has been replaced`,
    remedy: 'run it again',
  });
}

function isWhole(backup: UsableBackup): backup is UsableBackup<Manifest> {
  return backup.manifest === undefined || 'tables' in backup.manifest;
}

/** The manifest, with its dump's key changed to the one beside it: backups may be copied to another prefix. */
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
  if (!Buffer.isBuffer(text)) {
    const fault = `its manifest ${object.key} ${text.problem}; ${text.remedy}`;
    return { manifest: undefined, fault, unproven: true };
  }
  const manifest = decodeManifest(object.key, text.toString());
  return { manifest: { ...manifest, key: keyBeside(object.key, manifest.key) }, unproven: false };
}
