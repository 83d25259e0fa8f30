import type { RunContext } from '../backup/perform-backup.ts';
import { openDatabase } from '../postgres/database.ts';
import { retentionRules } from '../retention/rules.ts';
import type { Store } from '../s3/store.ts';
import { holderName, type Invocation, type Session } from './session.ts';

/** The settings of a whole run: backup, sweep and pruning under the lock. */
export const RUN_GROUPS = [
  'database',
  'store',
  'backup',
  'tools',
  'retention',
  'guard',
  'zone',
  'lock',
] as const;

/** @param command what others that meet the lock are told */
export function runContext(
  session: Session<(typeof RUN_GROUPS)[number]>,
  store: Store,
  { env, tool }: Invocation,
  command: string,
): RunContext {
  const { config } = session;
  return {
    ...session,
    ...config,
    store,
    database: openDatabase(config, env),
    rules: retentionRules(config),
    holder: holderName(command),
    env,
    tool,
  };
}
