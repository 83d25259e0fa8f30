import { makeBucket } from '../backup/make-bucket.ts';
import { performBackup, type RunContext } from '../backup/perform-backup.ts';
import { formatTime } from '../ui/format.ts';
import { findNewestComplete, judgeMissed, type Missed } from './missed-backup.ts';
import type { Job } from './run-job.ts';
import type { Timetable } from './schedule.ts';

export interface BackupJobSettings {
  readonly schedule: Timetable;
  /** Milliseconds. */
  readonly randomDelay: number;
  readonly backupOnStart: 'missed' | 'always' | 'never';
}

/** The service's backups: each a whole run, with sweep and pruning, under the lock. */
export function backupJob(context: RunContext, settings: BackupJobSettings): Job {
  const { schedule, randomDelay, backupOnStart } = settings;
  const { log } = context;
  return {
    name: 'backup',
    schedule,
    randomDelay,
    runAtStart: backupOnStart !== 'never',
    async run(signal, why) {
      if (why === 'start' && backupOnStart === 'missed') {
        const verdict = await lookForMissed(context, schedule, signal);
        log.info(describeMissed(verdict));
        if (!verdict.missed) return verdict.next;
      }
      const { pruning } = await performBackup(context, signal);
      // The backup is whole, and another one would not help.
      if (pruning.state === 'failed')
        log.error(`backup succeeded, pruning failed: ${messageOf(pruning.error)}`);
      return undefined;
    },
  };
}

function describeMissed(verdict: Missed): string {
  if (verdict.missed) return `a backup is due at the start: ${verdict.reason}`;
  const next = verdict.next === undefined ? '' : `; the next is due ${formatTime(verdict.next)}`;
  return `no backup was missed: ${verdict.reason}${next}`;
}

async function lookForMissed(context: RunContext, schedule: Timetable, signal: AbortSignal): Promise<Missed> {
  await makeBucket(context, signal);
  const { store, prefix, now } = context;
  const at = now();
  return judgeMissed(schedule, await findNewestComplete(store, prefix, at, signal), at);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
