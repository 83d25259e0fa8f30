import type { PruneContext } from '../backup/prune-backups.ts';
import { retentionRules } from '../retention/rules.ts';
import type { Store } from '../s3/store.ts';
import type { DECISION_GROUPS } from './groups.ts';
import type { Session } from './session.ts';

/**
 * What deciding on backups needs.
 *
 * @param own see {@link PruneContext}
 */
export function pruneContext(
  { config, now, log }: Pick<Session<(typeof DECISION_GROUPS)[number]>, 'config' | 'now' | 'log'>,
  store: Store,
  own: string | undefined,
): PruneContext {
  const { prefix, zone, shrinkGuard } = config;
  return { store, prefix, own, rules: retentionRules(config), zone, shrinkGuard, now, log };
}
