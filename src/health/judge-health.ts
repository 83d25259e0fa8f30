import { type Backup, isTaken } from '../catalog/backup.ts';
import { backupTime, isAhead } from '../catalog/backup-time.ts';
import { type Check, describeFaults, faultyCheck } from '../catalog/verification.ts';
import { newestFirst } from '../retention/newest-first.ts';
import { describeShrink, judgeShrink, type Shrink } from '../retention/shrink-guard.ts';
import { describeSchedule } from '../schedule/describe-schedule.ts';
import type { Schedule, Timetable } from '../schedule/schedule.ts';
import { nextTime, previousTime, requireNextTime } from '../schedule/times.ts';
import { formatCount, formatDuration, formatTime } from '../ui/format.ts';

/** Minimum grace period in milliseconds if none is set. */
const LEAST_GRACE_MS = 3_600_000;

/**
 * A timer may fire slightly early, and an id has whole seconds: a run this close before a time, in milliseconds, is
 * the one due then.
 */
const EARLY_MS = 1000;

/** What backups are judged by. */
export interface HealthRules {
  readonly schedule: Schedule;
  /** The database whose backups count; undefined for any. */
  readonly database: string | undefined;
  /** How long after its scheduled time a run may begin, in milliseconds. */
  readonly randomDelay: number;
  /**
   * How late a backup may be, in milliseconds; undefined for an hour or a quarter of the interval, whichever is
   * longer.
   */
  readonly grace: number | undefined;
  /** As for retention; 0 turns the guard off. */
  readonly shrinkGuard: number;
}

/** Whether backups are being made. */
export interface Health {
  readonly healthy: boolean;
  /** One line for people: that all is well, or what is late and since when. */
  readonly reason: string;
  /** The newest complete backup that was taken rather than pushed. */
  readonly newest: { readonly id: string; readonly begun: Date } | undefined;
  /** Undefined without a schedule or a backup. */
  readonly deadline: Deadline | undefined;
  readonly shrink: Shrink | undefined;
  /** The newest backup that a verification found faulty, unless a complete one is newer. */
  readonly faulty: FaultyBackup | undefined;
}

interface Deadline {
  /** When the next backup is due. */
  readonly due: Date;
  /** When it is late: an interval, the random delay and the grace period after the newest one. */
  readonly late: Date;
}

/** A backup, and the check that found it faulty. */
export interface FaultyBackup {
  readonly id: string;
  readonly check: Check;
}

/**
 * Judges only by complete backups that were taken: nothing is proven about a foreign dump, and a pushed one does
 * not show that backups are being made.
 *
 * The next backup is due at the schedule's first time after the newest one was begun. It is late once the grace
 * period has passed after the earlier of two times: the newest backup's time plus the schedule interval that ends
 * when the next is due, and the scheduled time that follows. Without a schedule a backup must exist, and none is ever
 * late.
 *
 * A backup that a verification found faulty is an alarm until a newer one is complete, or until it is verified again
 * and found good; so is one whose verification record cannot be read. That a dump has shrunk is reported, but is no
 * alarm.
 *
 * @param backups those that count, or at least the newest of them: down to a complete one, and to the second one that
 * the shrink guard compares
 * @throws ConfigError for a schedule that has no more times
 */
export function judgeHealth(backups: readonly Backup[], rules: HealthRules, now: Date): Health {
  const { schedule, database, shrinkGuard } = rules;
  const newest = newestTaken(backups, now);
  const shrink = judgeShrink(backups, shrinkGuard, now);
  const faulty = findFaulty(backups, newest?.id ?? '', now);
  const shrunk = shrink === undefined ? '' : `; ${describeShrink(shrink, shrinkGuard)}`;
  if (newest === undefined) {
    const ahead = newestFirst(backups).find((backup) => isTaken(backup) && isAhead(backup, now));
    const future = ahead === undefined ? '' : `; ${ahead.id} is dated in the future`;
    const pushed = backups.filter((backup) => backup.state === 'complete' && !isTaken(backup)).length;
    const reason = `${describeNone(schedule, database, pushed, now)}${future}${describeBroken(backups, '', now)}${shrunk}`;
    return { healthy: false, reason, newest, deadline: undefined, shrink, faulty };
  }
  const { id, begun } = newest;
  const deadline = schedule.kind === 'none' ? undefined : deadlineAfter(schedule, begun, rules);
  const facts = { newest, deadline, shrink, faulty };
  if (faulty !== undefined) return { healthy: false, reason: `${describeFaulty(faulty)}${shrunk}`, ...facts };
  const unread = findUnread(backups, id, now);
  if (unread !== undefined) return { healthy: false, reason: `${unread}${shrunk}`, ...facts };
  if (deadline !== undefined && now > deadline.late) {
    const [since, due] = [formatDuration(now.getTime() - deadline.due.getTime()), formatTime(deadline.due)];
    const broken = describeBroken(backups, id, now);
    const reason = `the backup due at ${due} is ${since} late; the newest complete backup taken is ${id}${broken}${shrunk}`;
    return { healthy: false, reason, ...facts };
  }
  const age = formatDuration(now.getTime() - begun.getTime());
  const next = describeNext(deadline, now);
  return { healthy: true, reason: `backup ${id} is ${age} old; ${next}${shrunk}`, ...facts };
}

function describeNext(deadline: Deadline | undefined, now: Date): string {
  if (deadline === undefined) return 'without a schedule, none is due';
  const due = formatTime(deadline.due);
  if (now < deadline.due) return `the next is due at ${due}`;
  return `one was due at ${due} and counts as late from ${formatTime(deadline.late)}`;
}

/** An interval has no times of its own, so it is unknown when the first one was due. */
function describeNone(schedule: Schedule, database: string | undefined, pushed: number, now: Date): string {
  const of = database === undefined ? '' : ` of database ${database}`;
  const besides =
    pushed === 0 ? '' : ` apart from ${formatCount(pushed)} that ${pushed === 1 ? 'was' : 'were'} pushed`;
  const reason = `there is no complete backup${of}${besides}`;
  if (schedule.kind === 'none') return reason;
  if (schedule.kind === 'every') return `${reason}, and one is due ${describeSchedule(schedule)}`;
  const due = previousTime(schedule, now);
  return due === undefined ? reason : `${reason}, and one was due at ${formatTime(due)}`;
}

/** The newest complete backup that was taken rather than pushed, and that was not named by a wrong clock. */
export function newestTaken(backups: readonly Backup[], now: Date): Health['newest'] {
  const newest = newestFirst(backups).find((backup) => isTaken(backup) && !isAhead(backup, now));
  return newest === undefined ? undefined : { id: newest.id, begun: backupTime(newest) };
}

/** Why the newest backup since the newest complete one does not count: it may have been taken in time. */
function describeBroken(backups: readonly Backup[], since: string, now: Date): string {
  for (const backup of newestFirst(backups)) {
    if (backup.id <= since) break;
    if (backup.state === 'broken' && !isAhead(backup, now))
      return `; ${backup.id} is broken: ${backup.fault}`;
  }
  return '';
}

/** @param since the id of the newest complete backup, which makes up for any older fault */
function findFaulty(backups: readonly Backup[], since: string, now: Date): FaultyBackup | undefined {
  for (const backup of newestFirst(backups)) {
    if (backup.id < since) return undefined;
    const check = faultyCheck(backup.verified);
    if (check !== undefined && !isAhead(backup, now)) return { id: backup.id, check };
  }
  return undefined;
}

/** @param since as in {@link findFaulty} */
function findUnread(backups: readonly Backup[], since: string, now: Date): string | undefined {
  const unread = newestFirst(backups).find(
    (backup) => backup.id >= since && backup.unreadRecord !== undefined && !isAhead(backup, now),
  );
  return unread && `whether backup ${unread.id} was found faulty is unknown: ${unread.unreadRecord}`;
}

function describeFaulty({ id, check }: FaultyBackup): string {
  const when = `verified at ${formatTime(new Date(check.at))}, depth ${check.depth}`;
  return `backup ${id} is faulty (${when}): ${describeFaults(check)}`;
}

function deadlineAfter(schedule: Timetable, begun: Date, { randomDelay, grace }: HealthRules): Deadline {
  const early = schedule.kind === 'cron' ? EARLY_MS : 0;
  const due = requireNextTime(schedule, new Date(begun.getTime() + early));
  const interval = intervalBefore(schedule, due) ?? due.getTime() - begun.getTime();
  const allowed = grace ?? Math.max(LEAST_GRACE_MS, interval / 4);
  // A manual backup before a long pause must not excuse what the schedule misses after it.
  const following = nextTime(schedule, due)?.getTime() ?? Number.POSITIVE_INFINITY;
  const latest = Math.min(begun.getTime() + interval, following);
  return { due, late: new Date(latest + randomDelay + allowed) };
}

/** How long the schedule waits before `due`, in milliseconds. */
function intervalBefore(schedule: Timetable, due: Date): number | undefined {
  if (schedule.kind === 'every') return schedule.seconds * 1000;
  const before = previousTime(schedule, new Date(due.getTime() - 1));
  return before === undefined ? undefined : due.getTime() - before.getTime();
}
