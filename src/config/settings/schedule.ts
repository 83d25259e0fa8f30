import * as v from 'valibot';
import { text, timeZone, wholeNumber } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** When the service takes backups. */
export const SCHEDULE_SETTINGS = defineSettings({
  schedule: {
    group: 'schedule',
    names: ['DBBACKUP_SCHEDULE', 'SCHEDULE'],
    flag: 'schedule',
    schema: text,
    fallback: '@daily',
    form: 'a schedule such as @daily, @every 6h, 0 30 2 * * *, or none',
    about: 'Backup schedule: `@daily`, `@every 6h`, or cron with 5 or 6 fields; `none`: once, now.',
  },
  zone: {
    group: 'zone',
    names: ['TZ'],
    schema: timeZone,
    fallback: 'UTC',
    emptyIsUnset: true,
    form: 'a time zone such as Europe/Berlin',
    about: 'Time zone of schedules, and of the days, weeks, months and years of `KEEP_*`.',
  },
  randomDelay: {
    group: 'service',
    names: ['SCHEDULE_RANDOM_DELAY'],
    schema: v.pipe(
      wholeNumber(0, 86_400),
      v.transform((seconds) => seconds * 1000),
    ),
    fallback: '0',
    form: 'a number of seconds, 0 to 86400',
    about: 'Start scheduled backups after a random delay of up to this many seconds.',
  },
  backupOnStart: {
    group: 'service',
    names: ['BACKUP_ON_START'],
    schema: v.picklist(['missed', 'always', 'never']),
    fallback: 'missed',
    form: 'missed, always or never',
    about:
      'Whether the service takes a backup when it starts: `always`, `never`, or `missed`: only if no complete backup is as recent as the schedule’s previous time.',
  },
});
