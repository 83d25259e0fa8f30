import type { Zone } from './zone.ts';

/** When something runs: as it was written, and what it means. */
export type Schedule = NoSchedule | Timetable;

/** A schedule that has times. */
export type Timetable = EverySchedule | CronSchedule;

interface Spelled {
  /** As it was given, without surrounding whitespace. */
  readonly spec: string;
  /** Its name in messages: `"@dayly" from VERIFY_SCHEDULE`. */
  readonly title: string;
  readonly zone: Zone;
}

/** `none`: once, now, and never again. */
interface NoSchedule extends Spelled {
  readonly kind: 'none';
}

/** `@every 1h30m`: again this long after the previous time. */
interface EverySchedule extends Spelled {
  readonly kind: 'every';
  /** Whole seconds, 1 or more. */
  readonly seconds: number;
}

/** Times by the zone's clock and calendar. */
export interface CronSchedule extends Spelled {
  readonly kind: 'cron';
  readonly fields: CronFields;
}

/** The fields of a cron specification, in their order. */
export type CronFieldName = 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';

/** All of them, each with its values. */
export type CronFields = Readonly<Record<CronFieldName, CronField>>;

/** One field, as all the values that it means. */
export interface CronField {
  /** Ascending, never empty. Months count from 1, days of the week from 0, which is Sunday. */
  readonly values: readonly number[];
  /** Given as `*` or `?`. If only one of the two fields for days is starred, the other one decides alone. */
  readonly starred: boolean;
}
