import { type Backup, verifiedObject } from '../catalog/backup.ts';
import { verifiedKey } from '../catalog/backup-name.ts';
import { addCheck, encodeRecord } from '../catalog/verification.ts';
import { StoreError } from '../errors.ts';
import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import type { Verification } from './evidence.ts';

/**
 * Writes beside the backup what was found, for `list`, `health` and every other reader. A store that refuses it, as it
 * does a key that may only read, takes nothing from the verification.
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
  // It may say that the bytes are others, which nothing but reading them disproves.
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
    // What was pruned meanwhile leaves nothing behind.
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
