import { keyStart, parseObjectName } from '../catalog/backup-name.ts';
import { StoreError } from '../errors.ts';
import { parseQuarantineKey } from '../quarantine/names.ts';
import type { PendingUpload, Store } from '../s3/store.ts';
import { formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';

/** An upload that is still not complete after this time, in milliseconds, belongs to a run that has died. */
const ABANDONED_MS = 24 * 3_600_000;

export interface SweepContext {
  readonly store: Store;
  readonly prefix: string;
  /** Prefix of the quarantine, with its slash. */
  readonly quarantinePrefix: string;
  readonly log: Logger;
}

/**
 * Aborts what dead runs have left: uploads of backups and of the quarantine that were begun more than 24 hours ago.
 * Their parts cost money and show in no listing of objects. Where it cannot be done this is said, and nothing else is
 * kept from being done.
 *
 * @returns the uploads that are gone
 */
export async function sweepUploads(context: SweepContext, signal: AbortSignal): Promise<PendingUpload[]> {
  const { store, log } = context;
  const swept: PendingUpload[] = [];
  const failures: StoreError[] = [];
  for (const { under, isOwn } of ownPlaces(context)) {
    await attempt(failures, async () => {
      for await (const upload of store.listUploads(under, signal)) {
        const { initiated } = upload;
        // One of unknown age may be at work. The server has dated it, so its clock tells how old it is.
        if (initiated === undefined || initiated.getTime() > store.now().getTime() - ABANDONED_MS) continue;
        if (!isOwn(upload.key)) continue;
        await attempt(failures, async () => {
          await store.abortUpload(upload, signal);
          swept.push(upload);
          log.info(`aborted an upload of ${upload.key} left over from ${formatTime(initiated)}`);
        });
      }
    });
  }
  const [first, ...others] = failures;
  if (first !== undefined)
    log.warn(others.length === 0 ? first.message : `${first.message}; ${others.length} more like it`);
  return swept;
}

/** Where uploads of this program's may lie, and how they are told from others'. */
function ownPlaces({ prefix, quarantinePrefix }: SweepContext) {
  return [
    {
      under: keyStart(prefix),
      isOwn: (key: string) => parseObjectName(prefix, key) !== undefined,
    },
    {
      under: quarantinePrefix,
      isOwn: (key: string) => parseQuarantineKey(quarantinePrefix, key) !== undefined,
    },
  ];
}

async function attempt(failures: StoreError[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    failures.push(error);
  }
}
