import * as v from 'valibot';
import { age, ageForm, bareText, text, wholeNumber } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** How rows and objects are compared. */
export const AUDIT_SETTINGS = defineSettings({
  grace: {
    group: 'audit',
    names: ['AUDIT_GRACE'],
    flag: 'grace',
    schema: age,
    fallback: '24h',
    form: ageForm,
    about: 'Age below which rows and objects without a counterpart are not reported as dangling or orphaned.',
  },
  sortMemory: {
    group: 'dump-audit',
    names: ['AUDIT_SORT_MEMORY'],
    schema: v.pipe(
      wholeNumber(1, 65_536),
      v.transform((mebibytes) => mebibytes * 1024 ** 2),
    ),
    fallback: '32',
    form: 'a number of MiB, 1 to 65536',
    about: 'Memory in MiB for sorting the keys that a dump’s rows name; beyond that, files are used.',
  },
  sortDirectory: {
    group: 'dump-audit',
    names: ['AUDIT_TMPDIR', 'TMPDIR'],
    schema: bareText,
    fallback: '/tmp',
    emptyIsUnset: true,
    form: 'a directory',
    about: 'Directory for those files, which are removed when the audit ends.',
  },
  auditSchedule: {
    group: 'audit-schedule',
    names: ['AUDIT_SCHEDULE'],
    flag: 'audit-schedule',
    schema: text,
    fallback: 'none',
    emptyIsUnset: true,
    form: 'a schedule such as @weekly, 0 0 12 * * SUN, or none',
    about: 'Schedule for auditing rows and media objects, in the form of `DBBACKUP_SCHEDULE`; `none`: never.',
  },
});
