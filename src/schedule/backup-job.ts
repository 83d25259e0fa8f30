import { performBackup, type RunContext } from '../backup/perform-backup.ts';
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
        const { missed, reason } = await lookForMissed(context, schedule, signal);
        log.info(`${missed ? 'a backup is due at the start' : 'no backup was missed'}: ${reason}`);
        if (!missed) return;
      }
      const { pruning } = await performBackup(context, signal);
      // The backup is whole, and another one would not help.
      if (pruning.state === 'failed')
        log.error(`backup succeeded, pruning failed: ${messageOf(pruning.error)}`);
    },
  };
}

async function lookForMissed(
  { store, prefix, now, log }: RunContext,
  schedule: Timetable,
  signal: AbortSignal,
): Promise<Missed> {
  if ((await store.ensureBucket(signal)) === 'created') log.info(`created bucket ${store.bucket}`);
  const at = now();
  return judgeMissed(schedule, await findNewestComplete(store, prefix, at, signal), at);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
