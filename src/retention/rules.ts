import type { Config } from '../config/config.ts';
import type { CalendarSpan, CalendarUnit } from './calendar.ts';

/** What is to be kept. A backup stays if any rule keeps it. */
export interface RetentionRules {
  /** So many of the newest; 0 keeps all there are, broken ones too. */
  readonly newest: number;
  /** The newest of each of the last so many days, weeks, months, years that have a backup; 0 for none. */
  readonly perUnit: Readonly<Record<CalendarUnit, number>>;
  /** All that are no older than the newest less this span. */
  readonly within: KeepWithin | undefined;
}

export interface KeepWithin {
  /** As the operator wrote it: `30d`. */
  readonly text: string;
  readonly span: CalendarSpan;
}

/** The rules as the settings give them. */
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
