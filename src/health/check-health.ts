import type { Backup } from '../catalog/backup.ts';
import { newestBackups } from '../catalog/catalog.ts';
import { mayBeOf } from '../catalog/manifest.ts';
import { measurePair } from '../retention/shrink-guard.ts';
import type { Store } from '../s3/store.ts';
import { type Health, type HealthRules, judgeHealth, newestTaken } from './judge-health.ts';

/** Maximum number of backups read to find, among those of another database, an older one to compare sizes with. */
const MOST_READ = 20;

/**
 * Checks whether backups are being made. Apart from the listing it reads only the newest manifests, one or two if
 * they are all of one database, so that it can be called every minute.
 *
 * @throws StoreError if the bucket cannot be read
 */
export async function checkHealth(
  context: {
    readonly store: Store;
    readonly prefix: string;
    readonly rules: HealthRules;
    readonly now: Date;
  },
  signal: AbortSignal,
): Promise<Health> {
  const { store, prefix, rules, now } = context;
  const seen: Backup[] = [];
  let read = 0;
  for await (const backup of newestBackups(store, prefix, signal)) {
    read += 1;
    if (mayBeOf(backup, rules.database)) seen.push(backup);
    const compared = rules.shrinkGuard === 0 || measurePair(seen, now) !== undefined;
    if ((compared || read >= MOST_READ) && newestTaken(seen, now) !== undefined) break;
  }
  return judgeHealth(seen, rules, now);
}
