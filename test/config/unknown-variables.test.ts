import { expect, test } from 'vitest';
import type { Setting } from '../../src/config/setting.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { unknownVariables } from '../../src/config/unknown-variables.ts';

function find(names: readonly string[]): string[] {
  return unknownVariables(Object.fromEntries(names.map((name) => [name, '7'])));
}

test.each([
  ['KEEP_DAYLY', 'KEEP_DAILY'],
  ['KEEP_DIALY', 'KEEP_DAILY'],
  ['KEEPDAILY', 'KEEP_DAILY'],
  ['MAX_BACKUP', 'MAX_BACKUPS'],
  ['DBBACKUP_SHEDULE', 'DBBACKUP_SCHEDULE'],
  ['dbbackup_schedule', 'DBBACKUP_SCHEDULE'],
  ['POSTGRES_PASSWORT_FILE', 'POSTGRES_PASSWORD_FILE'],
  ['AWS_S3_ENDPOINT_URI', 'AWS_S3_ENDPOINT_URL'],
  ['LOG_LEVLE', 'LOG_LEVEL'],
])('%s is taken for a mistyped %s', (name, meant) => {
  expect(find([name])).toEqual([`${name} is unknown and has no effect; did you mean ${meant}?`]);
});

test('no setting is taken for another one', () => {
  const names = Object.values<Setting>(SETTINGS).flatMap((setting) => setting.names);
  expect(find(names)).toEqual([]);
});

test.each([
  'DATABASE_URL',
  'POSTGRES_URL',
  'POSTGRES_INITDB_ARGS',
  'POSTGRES_HOST_AUTH_METHOD',
  'PGDATA',
  'PGSSLMODE',
  'AWS_DEFAULT_REGION',
  'AWS_PROFILE',
  'AWS_S3_FILE_OVERWRITE',
  'AWS_QUERYSTRING_AUTH',
  'DJANGO_SETTINGS_MODULE',
  'CELERY_BROKER_URL',
  'REDIS_URL',
  'TERM',
  'TMP',
])('%s is that of another program', (name) => {
  expect(find([name])).toEqual([]);
});

test.each([
  'KEEP_HOURLY',
  'KEEP_LAST',
  'S3_BUCKET_NAME',
  'S3_ENDPOINT_URL',
  'DBBACKUP_SCHED',
  'VERIFY_EVERY',
])('%s is meant for this program, and none of its settings', (name) => {
  expect(find([name])).toEqual([`${name} is unknown and has no effect; docs/SETTINGS.md lists all settings`]);
});

test.each(['AWS_S3_ENDPOINT_URL', 'POSTGRES_USER', 'POSTGRES_DB'])(
  '%s is no secret, and in no file',
  (name) => {
    expect(find([`${name}_FILE`])).toEqual([
      `${name}_FILE is ignored because only secrets can be given as files; set ${name}`,
    ]);
  },
);

test('what go-s3-backup reads is answered elsewhere', () => {
  expect(find(['S3_KEEP_FILE', 'SAVE_DIR', 'RESTORE_PREFIX'])).toEqual([]);
});
