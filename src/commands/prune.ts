import { type PruneContext, planPrune, removals } from '../backup/prune-backups.ts';
import { pruneConfirmed } from '../backup/prune-confirmed.ts';
import { type Config, readIfGiven } from '../config/config.ts';
import { EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import type { GuardedPlan } from '../retention/hold-back.ts';
import { retentionRules } from '../retention/rules.ts';
import { describeShrink, describeSpared } from '../retention/shrink-guard.ts';
import type { Store } from '../s3/store.ts';
import { escapeControls, joinLines } from '../ui/controls.ts';
import { formatBytes, formatCount } from '../ui/format.ts';
import { renderTable, right } from '../ui/table.ts';
import { age } from './backup-summary.ts';
import { DECISION_GROUPS, PRUNE_GROUPS } from './groups.ts';
import { confirmAndLock } from './lock-holder.ts';
import { type CommonOptions, type Invocation, openSession, type Session, withStore } from './session.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/** `prune`: deletes the backups that no rule keeps. */
export async function run(invocation: Invocation): Promise<number> {
  const { dryRun } = invocation.options as CommonOptions & { readonly dryRun?: true };
  await (dryRun === true ? decide(invocation) : prune(invocation));
  return EXIT.done;
}

/** Takes no lock, and so needs no database: nothing is done that could conflict with another run. */
async function decide(invocation: Invocation): Promise<void> {
  const session = openSession(invocation, DECISION_GROUPS);
  warnOfVariables(session);
  const { config, signal } = session;
  const plan = await withStore(session, (store) =>
    planPrune(pruneContext(session, store, readIfGiven(session, 'database')), signal),
  );
  showPlan(session, plan);
  session.print({ dryRun: true, ...planDocument(plan) }, conclude('would delete', plan, config));
}

async function prune(invocation: Invocation): Promise<void> {
  const session = openSession(invocation, PRUNE_GROUPS);
  warnOfVariables(session);
  const { config, env, signal } = session;
  const database = openDatabase(config, env);
  const plan = await withStore(session, (store) =>
    pruneConfirmed(
      {
        ...pruneContext(session, store, config.database),
        database,
        ...confirmAndLock(session, 'prune'),
        show: (found) => showPlan(session, found),
        describe: (found) => conclude('delete', found, config),
      },
      signal,
    ),
  );
  session.print({ dryRun: false, ...planDocument(plan) }, conclude('deleted', plan, config));
}

function pruneContext(
  { config, now, log }: Session<(typeof DECISION_GROUPS)[number]>,
  store: Store,
  own: string | undefined,
): PruneContext {
  const { prefix, zone, shrinkGuard } = config;
  return { store, prefix, own, rules: retentionRules(config), zone, shrinkGuard, now, log };
}

function planDocument({ verdicts, shrink }: GuardedPlan) {
  return {
    shrunk: shrink ?? null,
    backups: verdicts.map(({ backup, action, reasons }) => ({
      id: backup.id,
      key: backup.dump?.key ?? backup.companions.at(-1)?.key ?? null,
      bytes: backup.dump?.bytes ?? 0,
      state: backup.state,
      action,
      reasons,
    })),
  };
}

function showPlan(session: Pick<Session<never>, 'tell' | 'now'>, plan: GuardedPlan): void {
  if (plan.verdicts.length > 0) session.tell(renderPlan(plan, session.now()));
}

function renderPlan({ verdicts }: GuardedPlan, now: Date): string {
  return renderTable(
    ['id', right('age'), right('size'), 'state', 'action', 'why'],
    verdicts.map(({ backup, action, reasons }) => [
      backup.id,
      age(backup.id, now),
      backup.dump === undefined ? '-' : formatBytes(backup.dump.bytes),
      backup.state,
      action,
      reasons.join(', '),
    ]),
  );
}

/** `delete 3 of 13 backups (1.2 GiB) under backup/ in bucket topobank-assets` */
function conclude(verb: string, plan: GuardedPlan, config: Config<'store' | 'guard'>): string {
  if (plan.verdicts.length === 0)
    return `there are no backups under ${config.prefix} in bucket ${config.bucket}`;
  if (plan.shrink !== undefined) return escapeControls(describeShrink(plan.shrink, config.shrinkGuard));
  const going = removals(plan);
  const where = `under ${config.prefix} in bucket ${config.bucket}`;
  const all = formatCount(plan.verdicts.length);
  if (going.length === 0) {
    const notes = plan.spared.map((shrink) => describeSpared(shrink, config.shrinkGuard));
    return joinLines([`nothing to delete: the rules keep every backup ${where}, ${all} in total`, ...notes]);
  }
  const bytes = going.reduce((sum, { dump }) => sum + (dump?.bytes ?? 0), 0);
  return `${verb} ${formatCount(going.length)} of ${all} backups (${formatBytes(bytes)}) ${where}`;
}
