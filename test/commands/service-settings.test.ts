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
  [{ DBBACKUP_SCHEDULE: '0 0 30 2 *' }, 'it has no time within 5 years'],
  [{ DBBACKUP_SCHEDULE: '' }, 'DBBACKUP_SCHEDULE is empty, expected a schedule such as @daily'],
  [{ SCHEDULE: '@dayly' }, 'cannot read the schedule "@dayly": @dayly is none of'],
  [{ TZ: 'Mars/Olympus' }, 'TZ: "Mars/Olympus" is not accepted, expected a time zone such as Europe/Berlin'],
  [
    { SCHEDULE_RANDOM_DELAY: '-1' },
    'SCHEDULE_RANDOM_DELAY: "-1" is not accepted, expected a number of seconds',
  ],
  [{ BACKUP_ON_START: 'yes' }, 'BACKUP_ON_START: "yes" is not accepted, expected missed, always or never'],
  [{ LOCK_WAIT: 'long', TZ: 'Mars' }, 'expected a time zone such as Europe/Berlin'],
])('%j stops it at the start with status 2', async (env, problem) => {
  const { status, stdout, stderr } = await runProgram(['service'], { ...REQUIRED, ...env });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(problem);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
