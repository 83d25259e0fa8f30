import { newestBackup } from '../catalog/catalog.ts';
import { type Depth, describeFaults } from '../catalog/verification.ts';
import { type VerifyContext, verifyBackup } from '../verify/verify-backup.ts';
import type { Job } from './run-job.ts';
import type { Timetable } from './schedule.ts';

/** The service's verifications, each of the newest backup. A fault is said, recorded, and makes `health` fail. */
export function verifyJob(context: VerifyContext, schedule: Timetable, depth: Depth): Job {
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

async function verifyNewest(context: VerifyContext, depth: Depth, signal: AbortSignal): Promise<void> {
  const { store, prefix, now, log } = context;
  const backup = await newestBackup(store, prefix, now(), signal);
  if (backup === undefined) {
    log.warn(
      `there is no backup to verify under ${prefix} of bucket ${store.bucket}, or only ones dated in the future`,
    );
    return;
  }
  const { faults, proved } = await verifyBackup(context, backup, depth, signal);
  // To try it again would not help: what is wrong stays wrong.
  if (faults.length > 0) {
    log.error(`backup ${backup.id} is faulty: ${describeFaults({ faults, faultCount: faults.length })}`);
  } else log.info(`backup ${backup.id} is good (${depth}): ${proved}`);
}
