import { expect, test } from 'vitest';
import { mistypedVariables } from '../../src/config/mistyped-variables.ts';
import type { Setting, SettingGroup } from '../../src/config/setting.ts';
import { SETTINGS } from '../../src/config/settings.ts';

const GROUPS = Object.values<Setting>(SETTINGS).map(({ group }) => group);

function find(names: readonly string[], groups: readonly SettingGroup[] = GROUPS): string[] {
  return mistypedVariables(Object.fromEntries(names.map((name) => [name, '7'])), groups);
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
])('%s is taken for a mistyped %s', (name, meant) => {
  expect(find([name])).toEqual([`${name} is not known and has no effect; is ${meant} meant?`]);
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

test('a command speaks of its own settings', () => {
  expect(find(['KEEP_DAYLY'], ['store'])).toEqual([]);
});
