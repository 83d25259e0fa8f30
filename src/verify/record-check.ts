import { type Backup, verifiedObject } from '../catalog/backup.ts';
import { verifiedKey } from '../catalog/backup-name.ts';
import { type Catalog, isDeleted } from '../catalog/catalog.ts';
import { isRecordOf } from '../catalog/describe-backup.ts';
import {
  addCheck,
  encodeRecord,
  isOfBytes,
  type NewCheck,
  type RecordRead,
  readRecord,
} from '../catalog/verification.ts';
import { StoreError } from '../errors.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import type { Verification } from './evidence.ts';

/** How often to try again if another verification records its result at the same time. */
const MOST_TRIES = 5;

interface RecordContext extends Catalog {
  readonly tool: string;
  readonly now: () => Date;
  readonly log: Logger;
}

/**
 * Writes the result beside the backup, for `list`, `health` and every other reader. If the store refuses the write,
 * for example because the key is read-only, the verification still stands.
 */
export async function recordCheck(
  context: RecordContext,
  backup: Backup,
  { depth, checked, faults }: Verification,
  signal: AbortSignal,
): Promise<void> {
  const { tool, now, log } = context;
  const object = verifiedObject(backup);
  if (object === undefined) return;
  const check = { depth, at: now().toISOString(), tool, checked: { ...checked }, faults: [...faults] };
  try {
    const reason = await writeCheck(context, backup, object, check, signal);
    if (reason !== undefined) log.warn(`the verification of backup ${backup.id} is not recorded: ${reason}`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.warn(`cannot record the verification of backup ${backup.id}: ${error.message}`);
  }
}

/** @returns why the check is not recorded, if it has to be */
async function writeCheck(
  { store, prefix }: RecordContext,
  backup: Backup,
  object: ObjectInfo,
  check: NewCheck,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { id } = backup;
  const key = verifiedKey(prefix, id, backup.dump?.compression ?? null);
  const isPruned = async () => backup.dump === undefined || isDeleted(store, backup, signal);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const present = await store.head(object.key, signal);
    // If the backup was pruned meanwhile, no record must be left behind.
    if (present === undefined && (await isPruned())) return undefined;
    if (
      present !== undefined &&
      ((present.etag !== '' && present.etag !== object.etag) || present.bytes !== object.bytes)
    )
      return `${object.key} has been replaced since`;
    // Another verification may have recorded a fault since the backup was listed.
    const { read, etag } = await readLatest(store, key, signal);
    if (read.kind === 'unread' && !outweighs(check))
      return `${read.reason}; delete it, or replace it with \`verify ${id} --restore\``;
    const before = read.kind === 'record' && isRecordOf(read.record, backup) ? read.record : undefined;
    const written = await store.put(key, encodeRecord(addCheck(before, id, object, check)), {
      ...(etag === undefined ? { ifAbsent: true } : { ifAbsent: false, ifMatch: etag }),
      contentType: 'application/json',
      signal,
    });
    if (!written) continue;
    // Nor if it was pruned while the record was written.
    if ((await store.head(object.key, signal)) === undefined && (await isPruned()))
      await store.remove([key], signal);
    return undefined;
  }
  return `other verifications write ${key} all the time`;
}

/** @returns what the record says by now, and the ETag of the object that was there before it was read */
async function readLatest(
  store: Store,
  key: string,
  signal: AbortSignal,
): Promise<{ readonly read: RecordRead; readonly etag: string | undefined }> {
  const object = await store.head(key, signal);
  if (object === undefined) return { read: { kind: 'none' }, etag: undefined };
  return { read: await readRecord(store, object, signal), etag: object.etag };
}

/**
 * Whether a check may replace a record that cannot be read and so may name a fault: only the deepest check disproves
 * any fault, and a fault of the bytes is worth more than one that is not known.
 */
function outweighs({ depth, faults }: NewCheck): boolean {
  return depth === 'restore' || (depth === 'full' && faults.some(({ what }) => isOfBytes(what)));
}
