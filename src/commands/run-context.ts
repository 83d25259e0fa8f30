import type { RunContext } from '../backup/perform-backup.ts';
import { openDatabase } from '../postgres/database.ts';
import { retentionRules } from '../retention/rules.ts';
import type { Store } from '../s3/store.ts';
import type { RUN_GROUPS } from './groups.ts';
import { holderName } from './lock-holder.ts';
import { mediaSettings } from './media-settings.ts';
import type { Session } from './session.ts';

/** @param command shown to other runs that meet the lock */
export function runContext(
  session: Session<(typeof RUN_GROUPS)[number]>,
  store: Store,
  command: string,
): RunContext {
  const { config, env, tool, now, log, startProgress } = session;
  const { prefix, maxParts, partsInFlight, binDir, quarantinePrefix, zone, shrinkGuard, lockWait } = config;
  return {
    store,
    prefix,
    own: config.database,
    maxParts,
    partsInFlight,
    quarantinePrefix,
    database: openDatabase(config, env),
    binDir,
    env,
    tool,
    media: config.mediaManifest ? mediaSettings(config) : undefined,
    rules: retentionRules(config),
    zone,
    shrinkGuard,
    holder: holderName(command),
    lockWait,
    now,
    log,
    startProgress,
  };
}
