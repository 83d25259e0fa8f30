import { bareText, flag, yesOrNo } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** What the compose service `dbbackup` does instead of following its schedule. */
export const CONTAINER_SETTINGS = defineSettings({
  restoreDatabase: {
    group: 'container',
    names: ['RESTORE_DATABASE'],
    schema: flag,
    fallback: '0',
    emptyIsUnset: true,
    form: yesOrNo,
    about: 'Restore the latest backup without asking, instead of taking backups (`dbbackup` only).',
  },
  restoreFile: {
    group: 'container',
    names: ['RESTORE_FILE'],
    schema: bareText,
    optional: true,
    emptyIsUnset: true,
    form: 'an object such as backup/postgres-backup-20261123103000.sql, an id, or a local file',
    about:
      'With `RESTORE_DATABASE`: id, object in the bucket, or local file to restore instead of the latest backup.',
  },
});
