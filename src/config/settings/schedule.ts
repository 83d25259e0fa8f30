import { text, timeZone } from '../forms.ts';
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
    about: 'When backups are taken: `@daily`, `@every 6h`, cron with 5 or 6 fields; `none`: once, now.',
  },
  zone: {
    group: 'zone',
    names: ['TZ'],
    schema: timeZone,
    fallback: 'UTC',
    form: 'a time zone such as Europe/Berlin',
    about: 'Time zone of the schedule, and of the days, weeks, months and years of `KEEP_*`.',
  },
});
