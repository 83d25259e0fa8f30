import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { contradictions } from '../../src/config/contradictions.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const directory = scratchDirectory('contradictions');
afterAll(() => directory.remove());

function find(env: Record<string, string>, flags: Record<string, string> = {}): string[] {
  return contradictions({ env, flags });
}

test.each<[env: Record<string, string>, warning: string]>([
  [
    { DBBACKUP_SCHEDULE: '@daily', SCHEDULE: '@hourly' },
    'SCHEDULE is ignored because DBBACKUP_SCHEDULE is set to a different value; set only one of them',
  ],
  [
    { DATABASE_USER: 'django', POSTGRES_USER: 'topobank', PGUSER: 'me' },
    'DATABASE_USER is ignored because POSTGRES_USER is set to a different value; set only one of them',
  ],
  [
    { DATABASE_PASSWORD: 'one', POSTGRES_PASSWORD: 'two' },
    'DATABASE_PASSWORD is ignored because POSTGRES_PASSWORD is set to a different value; set only one of them',
  ],
  [
    { AWS_S3_USE_SSL: 'False', AWS_S3_ENDPOINT_URL: 'https://s3.example.org' },
    'AWS_S3_USE_SSL=False is ignored because AWS_S3_ENDPOINT_URL begins with https://; change one of them',
  ],
  [
    { AWS_S3_USE_SSL: '1', S3_ENDPOINT: 'HTTP://s3.example.org' },
    'AWS_S3_USE_SSL=1 is ignored because S3_ENDPOINT begins with HTTP://; change one of them',
  ],
  [
    { MAX_BACKUPS: '0', KEEP_DAILY: '7' },
    'KEEP_DAILY is ignored because MAX_BACKUPS=0 keeps all backups; set MAX_BACKUPS to 1 to keep by KEEP_DAILY',
  ],
])('of %j one is not used, which is said', (env, warning) => {
  expect(find(env)).toEqual([warning]);
});

test.each<[what: string, env: Record<string, string>, flags?: Record<string, string>]>([
  ['the same twice', { POSTGRES_USER: 'topobank', DATABASE_USER: ' topobank' }],
  ['a default of libpq', { POSTGRES_HOST: 'db', PGHOST: 'localhost' }],
  ['a directory of all programs', { AUDIT_TMPDIR: '/var/tmp', TMPDIR: '/tmp' }],
  ['a flag', { DBBACKUP_SCHEDULE: '@daily', SCHEDULE: '@hourly' }, { schedule: '@weekly' }],
  ['a file in place of its variable', { POSTGRES_PASSWORD: 'one', POSTGRES_PASSWORD_FILE: '/none' }],
  ['an address without a scheme', { AWS_S3_USE_SSL: 'False', AWS_S3_ENDPOINT_URL: 's3.example.org' }],
  ['no address', { AWS_S3_USE_SSL: 'False' }],
  ['the scheme that is asked for', { AWS_S3_USE_SSL: 'no', S3_ENDPOINT: 'http://localhost:9000' }],
  ['what AWS itself sets', { S3_REGION: 'eu-central-1', AWS_REGION: 'us-east-1' }],
  ['a rule beside another', { MAX_BACKUPS: '1', KEEP_DAILY: '7' }],
  ['a rule that keeps nothing', { MAX_BACKUPS: '0', KEEP_DAILY: '0' }],
])('%s contradicts nothing', (_, env, flags) => {
  expect(find(env, flags)).toEqual([]);
});

test('the files of secrets are compared by what they hold, which is not shown', () => {
  const path = join(directory.path, 'secret');
  writeFileSync(path, 'hush\n');
  expect(find({ POSTGRES_PASSWORD_FILE: path, DATABASE_PASSWORD: 'hush' })).toEqual([]);
  const warnings = find({ POSTGRES_PASSWORD_FILE: path, DATABASE_PASSWORD: 'tush' });
  expect(warnings).toEqual([
    'DATABASE_PASSWORD is ignored because POSTGRES_PASSWORD_FILE is set to a different value; set only one of them',
  ]);
});
