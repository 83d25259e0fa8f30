import { type AuditContext, agrees, auditMedia } from '../audit/audit-media.ts';
import { formatBytes, formatCount, formatNumber } from '../ui/format.ts';
import type { Job } from './run-job.ts';
import type { Timetable } from './schedule.ts';

/** The service's audits of rows and media objects. The result is logged in one line, and nothing is removed. */
export function auditJob(context: AuditContext, schedule: Timetable): Job {
  return {
    name: 'audit',
    schedule,
    randomDelay: 0,
    runAtStart: false,
    async run(signal) {
      const report = await auditMedia(context, { write: async () => {} }, signal);
      const { references, objects, unreadTables } = report;
      const { dangling, orphan } = report.totals;
      const counted = `${formatNumber(references, 'reference')}, ${formatNumber(objects, 'object')}`;
      if (agrees(report)) {
        context.log.info(`rows and media objects agree: ${counted}`);
        return undefined;
      }
      if (agrees({ ...report, unreadTables: [] })) {
        context.log.warn(
          `rows and media objects agree as far as rows could be read: ${counted}; not read: ${unreadTables.join('; ')}`,
        );
        return undefined;
      }
      context.log.warn(
        `rows and media objects do not agree: ${formatCount(dangling?.count ?? 0)} dangling, ${formatCount(orphan?.count ?? 0)} orphaned (${formatBytes(orphan?.bytes ?? 0)}), of ${counted}; see \`audit-orphans\``,
      );
      return undefined;
    },
  };
}
