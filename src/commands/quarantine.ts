import { idTime } from '../catalog/backup-name.ts';
import { ageForm, parseAge } from '../config/forms.ts';
import { unreadFlags } from '../config/unread-flags.ts';
import { ConfigError, EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import { describeLeft } from '../quarantine/left-objects.ts';
import { type PurgeReport, purgeRuns } from '../quarantine/purge-runs.ts';
import { checkQuarantinePrefix } from '../quarantine/quarantine-keys.ts';
import { type RunRestored, restoreRun } from '../quarantine/restore-run.ts';
import { listRuns, type QuarantineRun } from '../quarantine/runs.ts';
import { formatBytes, formatCount, formatNumber, formatObjects, formatTime } from '../ui/format.ts';
import { renderTable, right } from '../ui/table.ts';
import { backupAuditContext, quarantineContext } from './audit-context.ts';
import { MEDIA_GROUPS, PURGE_GROUPS } from './groups.ts';
import { type CommonOptions, type Invocation, openSession, withStore } from './session.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/** The options of `quarantine`, as given. */
interface QuarantineFlags extends CommonOptions {
  readonly key?: string;
  readonly olderThan?: string;
  readonly dryRun?: true;
}

/** `quarantine list`, `quarantine restore RUN`, `quarantine purge`. @returns the exit status */
export async function run(invocation: Invocation, what: string, runId?: string): Promise<number> {
  const { key, olderThan, dryRun } = invocation.options as QuarantineFlags;
  if (key !== undefined && what !== 'restore') throw usage('--key applies only to restore');
  if (olderThan !== undefined && what !== 'purge') throw usage('--older-than applies only to purge');
  if (dryRun === true && what !== 'purge') throw usage('--dry-run applies only to purge');
  if ((runId === undefined) !== (what !== 'restore'))
    throw usage(what === 'restore' ? 'no run is given' : `${what} does not accept a run`);
  switch (what) {
    case 'list':
      return list(invocation);
    case 'restore':
      return restore(invocation, runId ?? '', key);
    case 'purge':
      return purge(invocation, olderThan, dryRun === true);
    default:
      throw usage(`${JSON.stringify(what)} is not accepted`);
  }
}

function usage(problem: string): ConfigError {
  return new ConfigError({
    doing: 'cannot run `quarantine`',
    problem,
    remedy:
      'use `quarantine list`, `quarantine restore RUN [--key KEY]` or `quarantine purge --older-than AGE`',
  });
}

/** @throws ConfigError for a flag that only a purge reads */
function refuseFlagsOfPurge({ flags }: Invocation, what: string): void {
  const unread = unreadFlags(flags, MEDIA_GROUPS);
  if (unread.length > 0) throw usage(`${what} does not accept ${unread.join(' or ')}`);
}

async function list(invocation: Invocation): Promise<number> {
  refuseFlagsOfPurge(invocation, 'list');
  const session = openSession(invocation, MEDIA_GROUPS);
  const { config, signal } = session;
  checkQuarantinePrefix(config);
  const runs = await withStore(session, (store) =>
    listRuns({ store, quarantinePrefix: config.quarantinePrefix }, signal),
  );
  session.print(runs, runs.length === 0 ? 'nothing is in quarantine' : renderRuns(runs));
  return EXIT.done;
}

function renderRuns(runs: readonly QuarantineRun[]): string {
  return renderTable(
    ['run', 'started', right('objects'), right('size'), 'state'],
    runs.map(({ run, objects, bytes, state }) => [
      run,
      formatTime(idTime(run) ?? new Date(0)),
      formatCount(objects),
      formatBytes(bytes),
      state === 'done' ? state : 'interrupted or still running',
    ]),
  );
}

async function restore(invocation: Invocation, runId: string, key: string | undefined): Promise<number> {
  refuseFlagsOfPurge(invocation, 'restore');
  const session = openSession(invocation, MEDIA_GROUPS);
  const { config, log, signal } = session;
  const { quarantinePrefix } = config;
  checkQuarantinePrefix(config);
  const report = await withStore(session, (store) =>
    restoreRun({ store, quarantinePrefix, log }, runId, key, signal),
  );
  session.print(report, renderRestored(report));
  return report.left.count > 0 ? EXIT.fault : EXIT.done;
}

function renderRestored({ run, restored, left }: RunRestored): string {
  const stays = left.count === 0 ? '' : `; ${formatCount(left.count)} left in quarantine`;
  return [
    ...describeLeft(left, 'in quarantine'),
    `restored ${formatObjects(restored)} of run ${run}${stays}`,
  ].join('\n');
}

async function purge(
  invocation: Invocation,
  olderThan: string | undefined,
  dryRun: boolean,
): Promise<number> {
  const olderThanMs = parseAge(olderThan ?? '');
  if (olderThanMs === undefined) {
    throw usage(
      olderThan === undefined
        ? `--older-than is missing, expected ${ageForm}`
        : `--older-than: ${JSON.stringify(olderThan)} is not accepted, expected ${ageForm}`,
    );
  }
  const session = openSession(invocation, PURGE_GROUPS);
  const { config, env, signal } = session;
  warnOfVariables(session);
  const database = openDatabase(config, env);
  const report = await withStore(session, async (store) => {
    const context = {
      ...(await backupAuditContext(session, store)),
      ...quarantineContext(session),
      database,
    };
    return purgeRuns(context, { olderThanMs, dryRun }, signal);
  });
  session.print(report, renderPurged(report));
  return report.left.count > 0 ? EXIT.fault : EXIT.done;
}

function renderPurged({ dryRun, runs, removed, left }: PurgeReport): string {
  if (runs.length === 0) return 'no run is old enough';
  const stays = left.count === 0 ? '' : `; ${formatCount(left.count)} left, needed by a row or a backup`;
  return [
    ...describeLeft(left, 'in quarantine'),
    `${dryRun ? 'would delete' : 'deleted'} ${formatObjects(removed)} of ${formatNumber(runs.length, 'run')}${stays}`,
  ].join('\n');
}
