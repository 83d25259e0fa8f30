import { expect, test } from 'vitest';
import { runProgram } from '../support/topobank-backup.ts';

test('--explain tells words, zone and times, without any other setting', async () => {
  const args = ['service', '--explain', '30 2 * * *', '--from', '2026-03-28', '--count', '3'];
  const { status, stdout, stderr } = await runProgram(args, { TZ: 'Europe/Berlin' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toBe(
    [
      'every day at 02:30 (Europe/Berlin)',
      '',
      'NEXT                        UTC',
      '2026-03-28 02:30:00 +01:00  2026-03-28 01:30:00 UTC',
      '2026-03-29 03:00:00 +02:00  2026-03-29 01:00:00 UTC',
      '2026-03-30 02:30:00 +02:00  2026-03-30 00:30:00 UTC',
      '',
    ].join('\n'),
  );
});

test('of UTC it tells each time once', async () => {
  const args = ['service', '--explain', '@daily', '--from', '2026-11-23T10:30Z', '--count', '1'];
  const { stdout } = await runProgram(args, {});
  expect(stdout).toBe('every day at 00:00 (UTC)\n\nNEXT\n2026-11-24 00:00:00 UTC\n');
});

test.each([
  {
    args: ['TZ=America/St_Johns @daily', '--from', '2026-11-23T10:30Z', '--count', '1'],
    document: {
      spec: 'TZ=America/St_Johns @daily',
      zone: 'America/St_Johns',
      words: 'every day at 00:00',
      next: ['2026-11-24T03:30:00.000Z'],
    },
  },
  {
    args: [' @every 1.5h ', '--from', '20261123103000', '--count', '2'],
    document: {
      spec: '@every 1.5h',
      zone: 'UTC',
      words: 'every 1 hour 30 minutes',
      next: ['2026-11-23T12:00:00.000Z', '2026-11-23T13:30:00.000Z'],
    },
  },
  { args: ['none'], document: { spec: 'none', zone: 'UTC', words: 'once, now', next: [] } },
])('--explain $args with --json', async ({ args, document }) => {
  const { status, stdout } = await runProgram(['service', '--json', '--explain', ...args], {});
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual(document);
});

test('it tells five times unless another number is wanted', async () => {
  const { stdout } = await runProgram(['service', '--explain', '@hourly', '--json'], {});
  expect((JSON.parse(stdout) as { next: string[] }).next).toHaveLength(5);
});

test.each([
  [['--explain', '0 0 30 2 *'], 'cannot follow the schedule "0 0 30 2 *": it is not due within 5 years — '],
  [
    ['--explain', '1 2 3'],
    'cannot read the schedule "1 2 3": expected 5 fields (starting with minutes) or 6 (starting with seconds), found 3 — ',
  ],
  [['--explain', ''], 'cannot explain the schedule: --explain is empty — give a schedule such as @daily'],
  [['--explain', '@daily', '--schedule', '@hourly'], '--explain and --schedule cannot be combined — give'],
  [['--explain', '@daily', '--count', '0'], '--count: "0" is not accepted — give a number from 1 to 1000'],
  [['--explain', '@daily', '--count', '1e3'], '--count: "1e3" is not accepted'],
  [['--explain', '@daily', '--from', 'tomorrow'], '--from: "tomorrow" is not accepted — give a UTC time'],
  [['--from', '2026-11-23'], '--from requires --explain'],
  [['--count', '3'], '--count requires --explain'],
])('%j is refused with status 2', async (args, problem) => {
  const { status, stdout, stderr } = await runProgram(['service', ...args], {});
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(problem);
});

test('a schedule that runs more often than once a minute is warned of', async () => {
  const { status, stdout, stderr } = await runProgram(['service', '--explain', '@every 0s'], {
    MAX_BACKUPS: '9',
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^every second \(UTC\)\n/);
  expect(stderr).toMatch(/^.* WARN: .*"@every 0s".* the newest 9 backups \(MAX_BACKUPS\) — .*\n$/);
});
