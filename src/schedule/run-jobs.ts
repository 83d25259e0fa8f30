import { formatDuration, formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import {
  type Agenda,
  afterFailure,
  afterLocked,
  beginRun,
  dueTime,
  firstAgenda,
  moveSlot,
  planAnew,
  type Random,
  skipSlots,
} from './agenda.ts';
import type { Clock } from './clock.ts';
import { type Job, runJob } from './run-job.ts';

/** Maximum time between two looks at the clock, in milliseconds: it may be set, and a machine may be suspended. */
const LONGEST_SLEEP = 60_000;

/**
 * If the clock goes back by at most this many milliseconds, it is waited for; if it goes back further, all is planned
 * again.
 */
const SET_BACK = 60_000;

/** A run that begins more than this many milliseconds after its time is reported as late. */
const LATE = 2 * LONGEST_SLEEP;

interface ServiceContext {
  /**
   * The time from which scheduled times count: a service that first had to wait makes up for those that have passed.
   */
  readonly since: Date;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
}

interface Entry {
  readonly job: Job;
  agenda: Agenda;
}

/**
 * Runs jobs at their times, one at a time, until `signal` is aborted. A run that fails is logged and retried; none
 * ends the service.
 *
 * @throws the signal's reason if a run was in progress; otherwise it just returns
 */
export async function runJobs(
  jobs: readonly Job[],
  context: ServiceContext,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, random } = context;
  let seen = context.since.getTime();
  const entries = jobs.map((job) => ({ job, agenda: firstAgenda(job, job.runAtStart, seen, random) }));

  while (!signal.aborted) {
    const now = clock.now().getTime();
    if (now < seen - SET_BACK) {
      log.warn(`the clock was set back by ${formatDuration(seen - now)}; recalculating the next times`);
      for (const entry of entries) entry.agenda = planAnew(entry.job, entry.agenda, now, random);
    }
    seen = now;
    const due = Math.min(...entries.map(({ agenda }) => dueTime(agenda)));
    const entry = entries.find(({ agenda }) => dueTime(agenda) === due);
    if (entry !== undefined && due <= now) await runEntry(entry, context, signal);
    else await sleep(clock, Math.min(due - now, LONGEST_SLEEP), signal);
  }
}

async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Runs one job, and skips those of its own times that pass meanwhile; other jobs run late. */
async function runEntry(entry: Entry, context: ServiceContext, signal: AbortSignal): Promise<void> {
  const { clock, log, random } = context;
  const { name } = entry.job;
  const from = clock.now().getTime();
  const { run, agenda } = beginRun(entry.job, entry.agenda, from, random);
  entry.agenda = agenda;
  if (run.why === 'schedule' && from - run.due > LATE)
    log.warn(`${name} is late: it was due ${formatInstant(run.due)}`);

  const outcome = await runJob(entry.job, run.why, context, signal);

  const to = clock.now().getTime();
  if (outcome.kind === 'done' && outcome.next !== undefined)
    entry.agenda = moveSlot(entry.job, entry.agenda, outcome.next, random);
  const meanwhile = skipSlots(entry.job, entry.agenda, { from, to }, random);
  entry.agenda = meanwhile.agenda;
  if (outcome.kind === 'failed') entry.agenda = afterFailure(entry.agenda, run, to);
  if (outcome.kind === 'locked') entry.agenda = afterLocked(entry.agenda, run, to);
  const next = formatInstant(dueTime(entry.agenda));
  if (outcome.kind === 'locked') log.warn(`${name} put off, next try ${next}: ${outcome.message}`);
  if (outcome.kind === 'failed') log.error(`${name} failed, next try ${next}: ${outcome.message}`);
  if (meanwhile.skipped !== undefined) {
    const { first, last } = meanwhile.skipped;
    const times = last > first ? `${formatTime(first)} to ${formatTime(last)}` : formatTime(first);
    log.warn(`${name} skipped: due ${times}, while the previous run was still active`);
  }
}

function formatInstant(instant: number): string {
  return Number.isFinite(instant) ? formatTime(new Date(instant)) : 'never';
}
