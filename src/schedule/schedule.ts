import type { Zone } from './zone.ts';

/** When something runs, as it was spelled and as it is meant. */
export type Schedule = NoSchedule | Timetable;

/** A schedule that has times. */
export type Timetable = EverySchedule | CronSchedule;

interface Spelled {
  /** As it was given, without blanks around it. */
  readonly spec: string;
  /** What messages call it: `"@dayly" of VERIFY_SCHEDULE`. */
  readonly title: string;
  readonly zone: Zone;
}

/** `none`: once, now, and never again. */
interface NoSchedule extends Spelled {
  readonly kind: 'none';
}

/** `@every 1h30m`: again so long after the time before. */
interface EverySchedule extends Spelled {
  readonly kind: 'every';
  /** Whole seconds, 1 or more. */
  readonly seconds: number;
}

/** Times of the zone's clock and calendar. */
export interface CronSchedule extends Spelled {
  readonly kind: 'cron';
  readonly fields: CronFields;
}

export type CronFieldName = 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';

export type CronFields = Readonly<Record<CronFieldName, CronField>>;

/** One field, with all the values that it stands for. */
export interface CronField {
  /** Ascending, never empty. Months count from 1, days of the week from 0, which is Sunday. */
  readonly values: readonly number[];
  /** Given as `*` or `?`: of the two fields for days, one that is not starred decides alone. */
  readonly starred: boolean;
}
