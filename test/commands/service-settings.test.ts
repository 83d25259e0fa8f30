import { expect, test } from 'vitest';
import { runProgram } from '../support/topobank-backup.ts';

/** Nothing of it is connected to. */
const REQUIRED = {
  POSTGRES_USER: 'topobank',
  POSTGRES_DB: 'topobank',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
};

test.each([
  [
    { DBBACKUP_SCHEDULE: '0 25 * * *' },
    'hour: 25 is out of range — the hour may be 0 to 23, for example 2 or 9-17',
  ],
  [
    { DBBACKUP_SCHEDULE: '0 0 30 2 *' },
    'cannot follow the schedule "0 0 30 2 *" from DBBACKUP_SCHEDULE: it is not due within 5 years',
  ],
  [{ DBBACKUP_SCHEDULE: '' }, 'DBBACKUP_SCHEDULE is empty, expected a schedule such as @daily'],
  [{ SCHEDULE: '@dayly' }, 'cannot read the schedule "@dayly" from SCHEDULE: @dayly is not one of'],
  [
    { VERIFY_SCHEDULE: '@dayly' },
    'cannot read the schedule "@dayly" from VERIFY_SCHEDULE: @dayly is not one of',
  ],
  [
    { AUDIT_SCHEDULE: '61 * * * *' },
    'cannot read the schedule "61 * * * *" from AUDIT_SCHEDULE: minute: 61 is',
  ],
  [
    { VERIFY_SCHEDULE: '0 0 30 2 *' },
    'cannot follow the schedule "0 0 30 2 *" from VERIFY_SCHEDULE: it is not due within 5 years',
  ],
  [
    { DBBACKUP_SCHEDULE: '@dayly', VERIFY_SCHEDULE: '0 0 30 2 *', AUDIT_SCHEDULE: '61 * * * *' },
    /^topobank-backup: cannot start the service: .*"@dayly" from DBBACKUP_SCHEDULE: .*; .* from VERIFY_SCHEDULE: .*; .* from AUDIT_SCHEDULE: /,
  ],
  [{ VERIFY_DEPTH: 'deep' }, 'VERIFY_DEPTH: "deep" is not accepted, expected quick'],
  [
    { VERIFY_SCHEDULE: '@daily', VERIFY_DEPTH: 'restore', VERIFY_DATABASE_URL: 'localhost' },
    'VERIFY_DATABASE_URL',
  ],
  [{ AUDIT_SCHEDULE: '@daily', AUDIT_REFERENCES: '/nowhere.yaml' }, '/nowhere.yaml'],
  [{ AUDIT_REFERENCES: '/nowhere.yaml' }, '/nowhere.yaml'],
  [
    { AUDIT_REFERENCES: '[{"column": "a"}]' },
    /cannot use AUDIT_REFERENCES \(--references\): entry 1, column, is not accepted/,
  ],
  [{ TZ: 'Mars/Olympus' }, 'TZ: "Mars/Olympus" is not accepted, expected a time zone such as Europe/Berlin'],
  [
    { SCHEDULE_RANDOM_DELAY: '-1' },
    'SCHEDULE_RANDOM_DELAY: "-1" is not accepted, expected a number of seconds',
  ],
  [{ HEALTH_GRACE: 'soon' }, 'HEALTH_GRACE: "soon" is not accepted, expected'],
  [{ BACKUP_ON_START: 'yes' }, 'BACKUP_ON_START: "yes" is not accepted, expected missed, always or never'],
  [{ LOCK_WAIT: 'long', TZ: 'Mars' }, 'expected a time zone such as Europe/Berlin'],
])('%j stops it at the start with status 2', async (env, problem) => {
  const { status, stdout, stderr } = await runProgram(['service'], { ...REQUIRED, ...env });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(problem);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('variables that contradict one another, or are unknown, are told in one line each', async () => {
  const { status, stderr } = await runProgram(['backup'], {
    ...REQUIRED,
    // Nothing listens there.
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: '1',
    AWS_S3_ENDPOINT_URL: 'https://127.0.0.1:1',
    AWS_S3_USE_SSL: 'False',
    DBBACKUP_SCHEDULE: '@daily',
    SCHEDULE: '@hourly',
    KEEP_DAYLY: '7',
  });
  expect(status).toBe(1);
  const lines = stderr.trim().split('\n');
  expect(lines.slice(0, -1).map((line) => line.replace(/^\[.*?\] /, ''))).toEqual([
    'WARN: SCHEDULE is ignored because DBBACKUP_SCHEDULE is set to a different value; set only one of them',
    'WARN: AWS_S3_USE_SSL=False is ignored because AWS_S3_ENDPOINT_URL begins with https://; change one of them',
    'WARN: KEEP_DAYLY is unknown and has no effect; did you mean KEEP_DAILY?',
  ]);
  expect(lines.at(-1)).toMatch(/^topobank-backup: cannot .*ECONNREFUSED/);
});
