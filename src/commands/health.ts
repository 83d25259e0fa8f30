import { readIfGiven } from '../config/config.ts';
import { EXIT } from '../errors.ts';
import { checkHealth } from '../health/check-health.ts';
import type { FaultyBackup, Health } from '../health/judge-health.ts';
import { escapeControls } from '../ui/controls.ts';
import { HEALTH_GROUPS } from './groups.ts';
import { readSchedule } from './read-schedule.ts';
import { atOnce, type Invocation, openSession, withStore } from './session.ts';

/** `health`: whether backups are being made. @returns the exit status */
export async function run(invocation: Invocation): Promise<number> {
  const session = openSession(invocation, HEALTH_GROUPS);
  const { config, signal } = session;
  const schedule = readSchedule('schedule', config, session);
  const { randomDelay, healthGrace: grace, shrinkGuard } = config;
  const database = readIfGiven(session, 'database');
  const rules = { schedule, database, randomDelay, grace, shrinkGuard };
  const health = await withStore(atOnce(session), (store) =>
    checkHealth({ store, prefix: config.prefix, rules, now: session.now() }, signal),
  );
  const verdict = `${health.healthy ? 'healthy' : 'unhealthy'}: ${health.reason}`;
  session.print(healthDocument(health), escapeControls(verdict));
  return health.healthy ? EXIT.done : EXIT.failed;
}

function healthDocument({ healthy, reason, newest, deadline, shrink, faulty }: Health) {
  return {
    healthy,
    reason,
    newest: newest === undefined ? null : { id: newest.id, startedAt: newest.begun.toISOString() },
    dueAt: deadline?.due.toISOString() ?? null,
    lateAt: deadline?.late.toISOString() ?? null,
    shrunk: shrink ?? null,
    faulty: faulty === undefined ? null : describeFaulty(faulty),
  };
}

function describeFaulty({ id, check: { at, depth, faults } }: FaultyBackup) {
  return { id, at, depth, faults };
}
