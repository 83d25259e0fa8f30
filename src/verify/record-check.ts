import { type Backup, verifiedObject } from '../catalog/backup.ts';
import { verifiedKey } from '../catalog/backup-name.ts';
import { isRecordOf } from '../catalog/describe-backup.ts';
import { addCheck, type Depth, encodeRecord, type RecordRead, readRecord } from '../catalog/verification.ts';
import { StoreError } from '../errors.ts';
import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import type { Verification } from './evidence.ts';

/**
 * Writes the result beside the backup, for `list`, `health` and every other reader. If the store refuses the write,
 * for example because the key is read-only, the verification still stands.
 */
export async function recordCheck(
  context: {
    readonly store: Store;
    readonly prefix: string;
    readonly tool: string;
    readonly now: () => Date;
    readonly log: Logger;
  },
  backup: Backup,
  { depth, checked, faults }: Verification,
  signal: AbortSignal,
): Promise<void> {
  const { store, prefix, tool, now, log } = context;
  const { id } = backup;
  const object = verifiedObject(backup);
  if (object === undefined) return;
  const check = {
    depth,
    at: now().toISOString(),
    tool,
    checked: { ...checked },
    faults: [...faults],
  };
  try {
    // If the backup was pruned meanwhile, no record must be left behind.
    if ((await store.head(object.key, signal)) === undefined) return;
    // Another verification may have recorded a fault since the backup was listed.
    const recorded = await readLatest(store, prefix, id, signal);
    if (recorded.kind === 'unread' && !outweighs(depth, faults.length > 0)) {
      log.warn(
        `the verification of backup ${id} is not recorded: ${recorded.reason}, and only \`verify --restore\` replaces it`,
      );
      return;
    }
    const before =
      recorded.kind === 'record' && isRecordOf(recorded.record, backup) ? recorded.record : undefined;
    const body = encodeRecord(addCheck(before, id, object, check));
    await store.put(verifiedKey(prefix, id), body, {
      ifAbsent: false,
      contentType: 'application/json',
      signal,
    });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.warn(`cannot record the verification of backup ${id}: ${error.message}`);
  }
}

async function readLatest(
  store: Store,
  prefix: string,
  id: string,
  signal: AbortSignal,
): Promise<RecordRead> {
  const object = await store.head(verifiedKey(prefix, id), signal);
  return object === undefined ? { kind: 'none' } : readRecord(store, object, signal);
}

/**
 * Whether a check may replace a record that cannot be read and so may name a fault: only the deepest check disproves
 * any fault, and a fault of the bytes is worth more than one that is not known.
 */
function outweighs(depth: Depth, isFaulty: boolean): boolean {
  return depth === 'restore' || (depth === 'full' && isFaulty);
}
