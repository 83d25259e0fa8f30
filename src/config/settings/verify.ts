import * as v from 'valibot';
import { text } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** When and how the service verifies backups. */
export const VERIFY_SETTINGS = defineSettings({
  verifySchedule: {
    group: 'verify',
    names: ['VERIFY_SCHEDULE'],
    flag: 'verify-schedule',
    schema: text,
    fallback: 'none',
    emptyIsUnset: true,
    form: 'a schedule such as @weekly, 0 0 12 * * SUN, or none',
    about: 'When the service verifies the newest backup, in the form of `DBBACKUP_SCHEDULE`; `none`: never.',
  },
  verifyDepth: {
    group: 'verify',
    names: ['VERIFY_DEPTH'],
    schema: v.picklist(['quick', 'full']),
    fallback: 'full',
    emptyIsUnset: true,
    form: 'quick or full',
    about: 'How deep the service verifies: `quick` looks up size and ETag, `full` reads every byte.',
  },
});
