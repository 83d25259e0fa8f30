import { readOwnReferences } from '../audit/sources/own-references.ts';
import type { RunContext } from '../backup/perform-backup.ts';
import { readConfig, readIfGiven } from '../config/config.ts';
import { ConfigError, EXIT } from '../errors.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { reopenAfterKill } from '../restore/databases/reopen-after-kill.ts';
import { retentionRules } from '../retention/rules.ts';
import { announceRoute, announceTimes, isHasty, warnOfHaste } from '../schedule/announce.ts';
import { auditJob } from '../schedule/audit-job.ts';
import { backupJob } from '../schedule/backup-job.ts';
import { systemClock } from '../schedule/clock.ts';
import type { Job } from '../schedule/run-job.ts';
import { runJobs } from '../schedule/run-jobs.ts';
import type { Schedule, Timetable } from '../schedule/schedule.ts';
import { requireNextTime } from '../schedule/times.ts';
import { verifyJob } from '../schedule/verify-job.ts';
import { waitForDatabase } from '../schedule/wait-for-database.ts';
import { mediaAuditContext } from './audit-context.ts';
import { backUpOnce } from './backup.ts';
import { drillDatabase } from './drill-database.ts';
import { type ExplainOptions, explainSchedule } from './explain-schedule.ts';
import { SERVICE_GROUPS } from './groups.ts';
import { readSchedules } from './read-schedule.ts';
import { runContext } from './run-context.ts';
import { type CommonOptions, type Invocation, openSession, type Session, withStore } from './session.ts';
import { verifyContext } from './verify-context.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/** The options of `service`, as given. */
interface ServiceOptions extends CommonOptions, Partial<ExplainOptions> {}

/** `service`: runs backups, verifications and audits on schedule until stopped. @returns the exit status */
export async function run(invocation: Invocation): Promise<number> {
  const { explain, from, count } = invocation.options as ServiceOptions;
  if (explain !== undefined) return explainSchedule(invocation, { explain, from, count });
  for (const [option, value] of [
    ['--from', from],
    ['--count', count],
  ]) {
    if (value !== undefined) throw usage(`${option} requires --explain`);
  }
  const session = openSession(invocation, SERVICE_GROUPS);
  // Wrong settings of the container's health check must stop the service, not leave it unhealthy forever. Flags are
  // not passed on, because the service's grace flag is that of the audit.
  const ofCheck = { env: invocation.env, flags: {} };
  readConfig(ofCheck, ['health']);
  readIfGiven(ofCheck, 'database');
  const { config, log, options, signal } = session;
  const since = systemClock.now();
  const { schedule, ...others } = readSchedules(
    ['schedule', 'verifySchedule', 'auditSchedule'],
    config,
    session,
    since,
  );
  if (schedule.kind === 'none') return backUpOnce(session);
  if (options.json === true)
    throw usage('--json requires --explain, because the running service has no final result');

  // Otherwise backups would be made without what it names, night after night.
  await readOwnReferences(config.auditReferences);
  warnOfVariables(session);
  if (isHasty(schedule)) log.warn(warnOfHaste(schedule, retentionRules(config)));
  await withStore(session, async (store) => {
    const context = runContext(session, store, 'service');
    const jobs = await listJobs(session, context, { schedule, ...others });
    log.info(announceRoute(context));
    for (const job of jobs) log.info(announceTimes(job, since));
    const until = earliest(jobs.map((job) => requireNextTime(job.schedule, since)));
    const { database, holder } = context;
    const reopen = (stopped: AbortSignal) => {
      const purpose = `reopen database ${database.name} on ${database.server}`;
      const lock = { purpose, holder, waitMs: 0, log };
      return withLock(database, lock, stopped, (held) => reopenAfterKill(context, held));
    };
    await waitForDatabase(database, { clock: systemClock, log, until, reopen }, signal);
    await runJobs(jobs, { since, clock: systemClock, log, random: Math.random }, signal);
  });
  log.info('stopped between two backups');
  return EXIT.done;
}

/** When each job is due. */
interface JobTimes {
  readonly schedule: Timetable;
  readonly verifySchedule: Schedule;
  readonly auditSchedule: Schedule;
}

/** The job that backs up, and those of the others that have a schedule. */
async function listJobs(
  session: Session<(typeof SERVICE_GROUPS)[number]>,
  context: RunContext,
  { schedule, verifySchedule, auditSchedule }: JobTimes,
): Promise<Job[]> {
  const { store } = context;
  const { database, randomDelay, backupOnStart, verifyDepth } = session.config;
  const jobs = [backupJob(context, { schedule, randomDelay, backupOnStart })];
  if (verifySchedule.kind !== 'none') {
    const server = verifyDepth === 'restore' ? drillDatabase(session) : undefined;
    const verifying = { ...verifyContext(session, store, server), database };
    jobs.push(verifyJob(verifying, verifySchedule, verifyDepth));
  }
  if (auditSchedule.kind !== 'none') {
    const auditing = await mediaAuditContext(session, store, context.database);
    jobs.push(auditJob(auditing, auditSchedule));
  }
  return jobs;
}

function earliest(times: readonly Date[]): Date {
  return new Date(Math.min(...times.map((time) => time.getTime())));
}

function usage(problem: string): ConfigError {
  return new ConfigError({ doing: 'cannot start the service', problem, remedy: 'see `service --help`' });
}
