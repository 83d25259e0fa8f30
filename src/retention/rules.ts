import type { Config } from '../config/config.ts';
import type { CalendarSpan, CalendarUnit } from './calendar.ts';

/** What is to be kept. A backup stays if any rule keeps it. */
export interface RetentionRules {
  /** Number of newest backups to keep; 0 keeps all, including broken ones. */
  readonly newest: number;
  /** The newest of each of the last N days, weeks, months, years that have a backup; 0 for none. */
  readonly perUnit: Readonly<Record<CalendarUnit, number>>;
  /** All that are no older than the newest less this span. */
  readonly within: KeepWithin | undefined;
}

/** A span for which all backups are kept. */
export interface KeepWithin {
  /** As the operator wrote it: `30d`. */
  readonly text: string;
  readonly span: CalendarSpan;
}

/** The rules given by the settings. */
export function retentionRules(config: Config<'retention'>): RetentionRules {
  return {
    newest: config.maxBackups,
    perUnit: {
      day: config.keepDaily,
      week: config.keepWeekly,
      month: config.keepMonthly,
      year: config.keepYearly,
    },
    within: config.keepWithin,
  };
}
