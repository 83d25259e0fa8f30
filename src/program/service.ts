import { SERVICE_GROUPS } from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands that run until they are stopped. */
export const SERVICE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'service',
    about:
      'Run until stopped: back up on DBBACKUP_SCHEDULE, verify on VERIFY_SCHEDULE, audit media on AUDIT_SCHEDULE.',
    groups: SERVICE_GROUPS,
    options: [
      ['--explain <spec>', 'print when a schedule is due, and exit'],
      ['--from <time>', 'with --explain: show times after this UTC time (default: now)'],
      ['--count <number>', 'with --explain: number of times to show (default: 5)'],
    ],
    examples: [
      'topobank-backup service --schedule "0 30 2 * * *"',
      'topobank-backup service --explain "TZ=Europe/Berlin @weekly" --count 3 --json',
    ],
    run: async (invocation) => (await import('../commands/service.ts')).run(invocation),
  },
  {
    name: 'dbbackup',
    about:
      'Run the compose service: restore if RESTORE_DATABASE=1, back up once if DBBACKUP_SCHEDULE=none, otherwise run `service`.',
    groups: [...SERVICE_GROUPS, 'container'],
    examples: [
      'DBBACKUP_SCHEDULE=none topobank-backup dbbackup',
      'RESTORE_DATABASE=1 topobank-backup dbbackup',
    ],
    run: async (invocation) => (await import('../commands/dbbackup.ts')).run(invocation),
  },
];
