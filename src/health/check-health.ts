import type { Backup } from '../catalog/backup.ts';
import { type Catalog, newestBackups } from '../catalog/catalog.ts';
import { mayBeOf } from '../catalog/manifest.ts';
import { StoreError } from '../errors.ts';
import { measurePair } from '../retention/shrink-guard.ts';
import { formatDuration } from '../ui/format.ts';
import { type Health, type HealthRules, judgeHealth, newestTaken } from './judge-health.ts';

/** Maximum number of backups read to find, among those of another database, an older one to compare sizes with. */
const MOST_READ = 20;

/**
 * How long a check may take, in milliseconds. The image's health check is killed after a minute, and then says nothing;
 * an S3 server that accepts connections but stays silent would be waited for much longer.
 */
const LIMIT_MS = 45_000;

interface HealthContext extends Catalog {
  readonly rules: HealthRules;
  readonly now: Date;
  /** Only tests set it. */
  readonly limitMs?: number;
}

/**
 * Checks whether backups are being made. Apart from the listing it reads only the newest manifests, one or two if
 * they are all of one database, so that it can be called every minute.
 *
 * @throws StoreError if the bucket cannot be read, or not in time
 */
export async function checkHealth(context: HealthContext, signal: AbortSignal): Promise<Health> {
  const { store, prefix, rules, now, limitMs = LIMIT_MS } = context;
  const limit = AbortSignal.timeout(limitMs);
  try {
    return judgeHealth(await readNewest(context, AbortSignal.any([signal, limit])), rules, now);
  } catch (error) {
    if (signal.aborted || !limit.aborted) throw error;
    throw new StoreError({
      doing: `cannot check the backups under ${prefix} of bucket ${store.bucket} (${store.endpoint})`,
      problem: `the server did not answer within ${formatDuration(limitMs)}`,
      remedy: 'check AWS_S3_ENDPOINT_URL, the network and the S3 server’s log',
      cause: error,
    });
  }
}

/** The newest backups that count, as many as are needed to judge by. */
async function readNewest(context: HealthContext, signal: AbortSignal): Promise<Backup[]> {
  const { rules, now } = context;
  const seen: Backup[] = [];
  let read = 0;
  for await (const backup of newestBackups(context, signal)) {
    read += 1;
    if (mayBeOf(backup, rules.database)) seen.push(backup);
    const compared = rules.shrinkGuard === 0 || measurePair(seen, now) !== undefined;
    if ((compared || read >= MOST_READ) && newestTaken(seen, now) !== undefined) break;
  }
  return seen;
}
