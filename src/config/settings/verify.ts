import * as v from 'valibot';
import { parseDatabaseUrl } from '../database-url.ts';
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
    about: 'Schedule for verifying the newest backup, in the form of `DBBACKUP_SCHEDULE`; `none`: never.',
  },
  verifyDepth: {
    group: 'verify',
    names: ['VERIFY_DEPTH'],
    schema: v.picklist(['quick', 'full', 'restore']),
    fallback: 'full',
    emptyIsUnset: true,
    form: 'quick, full or restore',
    about:
      'How thoroughly the service verifies: `quick` checks size and ETag, `full` reads every byte, `restore` also restores the dump and dumps it again.',
  },
  verifyDatabaseUrl: {
    group: 'drill',
    names: ['VERIFY_DATABASE_URL'],
    schema: v.pipe(
      v.string(),
      v.check((value) => parseDatabaseUrl(value) !== undefined),
    ),
    optional: true,
    emptyIsUnset: true,
    secret: true,
    form: 'an address such as postgresql://user:password@host:5432/postgres?sslmode=require',
    about:
      'Server on which `verify --restore` creates its scratch database, and a database to connect to there; if unset, the server of `POSTGRES_HOST`.',
  },
});
