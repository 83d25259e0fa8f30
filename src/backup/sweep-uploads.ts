import { keyStart, parseObjectName } from '../catalog/backup-name.ts';
import { StoreError } from '../errors.ts';
import { parseQuarantineKey, type Quarantine } from '../quarantine/quarantine-keys.ts';
import { formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';

/** An upload still incomplete after this time, in milliseconds, belongs to a dead run. */
const ABANDONED_MS = 24 * 3_600_000;

/** Where to look for what dead runs left. */
export interface SweepContext extends Quarantine {
  readonly prefix: string;
  readonly log: Logger;
}

/**
 * Aborts what dead runs left: uploads of backups and of the quarantine begun more than 24 hours ago. Their parts cost
 * money and appear in no listing of objects. A failure is only logged, and keeps nothing else from being done.
 */
export async function sweepUploads(context: SweepContext, signal: AbortSignal): Promise<void> {
  const { store, log } = context;
  const failures: StoreError[] = [];
  for (const { under, isOwn } of ownPlaces(context)) {
    await attempt(failures, async () => {
      for await (const upload of store.listUploads(under, signal)) {
        const { initiated } = upload;
        // An upload of unknown age may be active. The server dated it, so the server's clock decides how old it is.
        if (initiated === undefined || initiated.getTime() > store.now().getTime() - ABANDONED_MS) continue;
        if (!isOwn(upload.key)) continue;
        await attempt(failures, async () => {
          await store.abortUpload(upload, signal);
          log.info(`aborted an upload of ${upload.key} left over from ${formatTime(initiated)}`);
        });
      }
    });
  }
  const [first, ...others] = failures;
  if (first !== undefined)
    log.warn(others.length === 0 ? first.message : `${first.message}; ${others.length} more like it`);
}

/** Where uploads of this program may be, and how to recognize them. */
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
