import { expect, test } from 'vitest';
import { foreignVariables } from '../../src/config/foreign-variables.ts';
import { type Setting, variablesOf } from '../../src/config/setting.ts';
import { SETTINGS } from '../../src/config/settings.ts';

const warnings = (env: Readonly<Record<string, string>>, flags = {}) => foreignVariables({ env, flags });

/** What go-s3-backup reads for PostgreSQL and S3 (its README, `cmd/go-s3-backup/*.go`), with a value that asks for it. */
const GO_S3_BACKUP: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY: 'key',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SECRET_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token',
  AWS_SHARED_CREDENTIALS_FILE: '/root/.aws/credentials',
  DATABASE_COMPRESS: '1',
  DATABASE_FILENAME_PREFIX: 'nightly',
  DATABASE_HOST: 'db',
  DATABASE_IGNORE_EXIT_CODE: 'true',
  DATABASE_NAME: 'topobank',
  DATABASE_NAME_AS_PREFIX: 'True',
  DATABASE_OPTIONS: '--no-owner',
  DATABASE_PASSWORD: 'secret',
  DATABASE_PASSWORD_FILE: '/run/secrets/password',
  DATABASE_PORT: '5432',
  DATABASE_USER: 'topobank',
  MAX_BACKUPS: '5',
  POSTGRES_BACKUP_EXCLUDE_SCHEMAS: 'pg_catalog',
  POSTGRES_BACKUP_EXCLUDE_USERS: 'postgres',
  POSTGRES_BACKUP_PER_SCHEMA: 'TRUE',
  POSTGRES_BACKUP_PER_USER: 't',
  POSTGRES_BACKUP_SCHEMAS: 'public',
  POSTGRES_BACKUP_USERS: 'topobank',
  POSTGRES_BINARY_PATH: '/usr/libexec/postgresql14',
  POSTGRES_CUSTOM_FORMAT: 'T',
  POSTGRES_DROP: '1',
  POSTGRES_EXCLUDE_DATABASES: 'postgres',
  POSTGRES_OWNER: 'topobank',
  POSTGRES_VERSION: '14',
  RESTORE_FILE: 'backup/postgres-backup-20261123103000.sql',
  RESTORE_PREFIX: 'postgres-backup',
  S3_BUCKET: 'topobank-assets',
  S3_ENDPOINT: 'https://s3.example.org',
  S3_FORCE_PATH_STYLE: '1',
  S3_KEEP_FILE: '1',
  S3_PREFIX: 'backup/',
  S3_REGION: 'eu-central-1',
  SAVE_DIR: '/tmp/go-s3-backup',
  SCHEDULE: '@daily',
  SCHEDULE_RANDOM_DELAY: '60',
};

const settingNames = new Set(Object.values<Setting>(SETTINGS).flatMap(variablesOf));

test.each(Object.entries(GO_S3_BACKUP))(
  '%s is either a setting or answered with one warning',
  (name, value) => {
    const told = warnings({ [name]: value });
    if (settingNames.has(name)) expect(told).toEqual([]);
    else expect(told).toEqual([expect.stringMatching(new RegExp(`^${name} has no effect here: \\S`))]);
  },
);

test.each(['', ' ', '0', 'false', 'no'])('a switch that is %j asks for nothing', (value) => {
  expect(warnings({ DATABASE_COMPRESS: value, POSTGRES_DROP: value })).toEqual([]);
});

test('a variable that is set to nothing asks for nothing', () => {
  expect(warnings({ SAVE_DIR: '', DATABASE_OPTIONS: ' ' })).toEqual([]);
});

test.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'])('%s is told of unless the server is named', (name) => {
  const given = { [name]: 'http://localhost:9000' };
  expect(warnings(given)).toEqual([
    expect.stringMatching(`^${name} has no effect here: .*AWS_S3_ENDPOINT_URL`),
  ]);
  for (const variable of ['AWS_S3_ENDPOINT_URL', 'S3_ENDPOINT'])
    expect(warnings({ ...given, [variable]: 'http://localhost:9000' })).toEqual([]);
  expect(warnings(given, { endpoint: 'http://localhost:9000' })).toEqual([]);
});
