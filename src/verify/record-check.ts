import { type Backup, verifiedObject } from '../catalog/backup.ts';
import { verifiedKey } from '../catalog/backup-name.ts';
import { addCheck, encodeRecord } from '../catalog/verification.ts';
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
  const { id, verified, unreadRecord } = backup;
  const object = verifiedObject(backup);
  if (object === undefined) return;
  // The unreadable record may say that the bytes differ, which only reading them can disprove.
  if (unreadRecord !== undefined && depth === 'quick') {
    log.warn(
      `the verification of backup ${id} is not recorded, for only a deeper one replaces what cannot be read: ${unreadRecord}`,
    );
    return;
  }
  const check = {
    depth,
    at: now().toISOString(),
    tool,
    checked: { ...checked },
    faults: [...faults],
  };
  const body = encodeRecord(addCheck(verified, id, object, check));
  try {
    // If the backup was pruned meanwhile, no record must be left behind.
    if ((await store.head(object.key, signal)) === undefined) return;
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
