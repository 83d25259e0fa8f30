import { makeBucket } from '../backup/make-bucket.ts';
import { performBackup, type RunContext } from '../backup/perform-backup.ts';
import { isTaken } from '../catalog/backup.ts';
import { backupTime } from '../catalog/backup-time.ts';
import { newestBackup } from '../catalog/catalog.ts';
import { messageOf } from '../errors.ts';
import { formatTime } from '../ui/format.ts';
import { judgeMissed, type Missed, resumeInterval } from './missed-backup.ts';
import type { Job } from './run-job.ts';
import type { Timetable } from './schedule.ts';
import { upcomingTimes } from './times.ts';

/** When backups are taken. */
export interface BackupJobSettings {
  readonly schedule: Timetable;
  /** Milliseconds. */
  readonly randomDelay: number;
  /** Whether a backup is made when the service starts: if one was missed, always, or never. */
  readonly backupOnStart: 'missed' | 'always' | 'never';
}

/** The service's backups: each is a complete run, with sweep and pruning, under the lock. */
export function backupJob(context: RunContext, settings: BackupJobSettings): Job {
  const { schedule, randomDelay, backupOnStart } = settings;
  const { log } = context;
  return {
    name: 'backup',
    schedule,
    randomDelay,
    runAtStart: backupOnStart !== 'never' || schedule.kind === 'every',
    async run(signal, why) {
      const asks = why === 'instead' || (why === 'start' && backupOnStart !== 'always');
      if (asks) {
        const { verdict, next } = await lookForNewest(context, schedule, signal);
        const wanted = verdict.missed && (why !== 'start' || backupOnStart === 'missed');
        log.info(describeVerdict(verdict, wanted, next));
        if (!wanted) return why === 'start' ? next[0] : undefined;
      }
      const { pruning } = await performBackup(context, signal);
      // Not thrown: the backup is complete, and another one would not help.
      if (pruning.state === 'failed')
        log.error(`the backup succeeded, but pruning failed: ${messageOf(pruning.error)}`);
      return undefined;
    },
  };
}

/** @returns also the next times, if they are those of an interval that continues from the newest backup */
async function lookForNewest(
  context: RunContext,
  schedule: Timetable,
  signal: AbortSignal,
): Promise<{ readonly verdict: Missed; readonly next: readonly Date[] }> {
  await makeBucket(context, signal);
  const now = context.now();
  const wanted = { database: context.database.name, now, isWanted: isTaken };
  const backup = await newestBackup(context, wanted, signal);
  const newest = backup && backupTime(backup);
  const first = resumeInterval(schedule, newest, now);
  const next = first === undefined ? [] : [first, ...upcomingTimes(schedule, first, 2)];
  return { verdict: judgeMissed(schedule, newest, now), next };
}

function describeVerdict({ missed, reason }: Missed, wanted: boolean, next: readonly Date[]): string {
  if (wanted) return `a backup is due now: ${reason}`;
  const what = missed
    ? 'a backup was missed and will not be made up (BACKUP_ON_START=never)'
    : 'no backup was missed';
  return `${what}: ${reason}${next.length === 0 ? '' : `; next ${next.map(formatTime).join(', ')}`}`;
}
