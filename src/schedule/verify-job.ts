import { newestBackup } from '../catalog/catalog.ts';
import { type Depth, describeFaults } from '../catalog/verification.ts';
import { type VerifyContext, verifyBackup } from '../verify/verify-backup.ts';
import type { Job } from './run-job.ts';
import type { Timetable } from './schedule.ts';

interface VerifyJobContext extends VerifyContext {
  /** The database whose backups are verified. */
  readonly database: string;
}

/** The service's verifications, each of the newest backup. A fault is logged, recorded, and makes `health` fail. */
export function verifyJob(context: VerifyJobContext, schedule: Timetable, depth: Depth): Job {
  return {
    name: 'verify',
    schedule,
    randomDelay: 0,
    runAtStart: false,
    async run(signal) {
      await verifyNewest(context, depth, signal);
      return undefined;
    },
  };
}

async function verifyNewest(context: VerifyJobContext, depth: Depth, signal: AbortSignal): Promise<void> {
  const { store, prefix, database, now, log } = context;
  const backup = await newestBackup(context, { database, now: now() }, signal);
  if (backup === undefined) {
    log.warn(
      `there is no backup of database ${database} to verify under ${prefix} of bucket ${store.bucket}, or only ones dated in the future`,
    );
    return;
  }
  const verification = await verifyBackup(context, backup, depth, signal);
  const { faults, proved } = verification;
  // Not thrown, because a retry would not help: what is wrong stays wrong.
  if (faults.length > 0) {
    log.error(`backup ${backup.id} is faulty: ${describeFaults({ faults, faultCount: faults.length })}`);
  } else log.info(`backup ${backup.id} is good (${verification.depth}): ${proved}`);
}
