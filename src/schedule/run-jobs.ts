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

/** The clock is looked at as often at least, in milliseconds: it may be set, and a machine may be suspended. */
const LONGEST_SLEEP = 60_000;

/** A clock that goes back by less, in milliseconds, is waited for; when it goes back further, all is planned anew. */
const SET_BACK = 60_000;

/** A run that begins later than so many milliseconds after its time is said to be late. */
const LATE = 2 * LONGEST_SLEEP;

interface ServiceContext {
  /** From when on times count: a service that had to wait before it could work makes up for those that passed. */
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
 * Runs jobs at their times, one at a time, until `signal` is aborted. A run that fails is logged and tried again; none
 * ends the service.
 *
 * @throws the signal's reason when a run was under way; while it waits it just returns
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

/** Runs one job, and leaves out its own times that come meanwhile; other jobs are late at theirs. */
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
  if (outcome.kind === 'locked') log.warn(`${name} skipped, next try ${next}: ${outcome.message}`);
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
