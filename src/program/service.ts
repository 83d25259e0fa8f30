import { SERVICE_GROUPS } from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands that run until they are stopped. */
export const SERVICE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'service',
    about:
      'Take backups by DBBACKUP_SCHEDULE, verify them by VERIFY_SCHEDULE, audit media by AUDIT_SCHEDULE, until it is stopped.',
    groups: SERVICE_GROUPS,
    options: [
      ['--explain <spec>', 'say when a schedule is due, and start nothing'],
      ['--from <time>', 'with --explain: the times after this UTC time (now)'],
      ['--count <number>', 'with --explain: how many times (default: 5)'],
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
      'Do what the compose service does: restore if RESTORE_DATABASE=1, back up once if DBBACKUP_SCHEDULE=none, else `service`.',
    groups: [...SERVICE_GROUPS, 'container'],
    examples: [
      'DBBACKUP_SCHEDULE=none topobank-backup dbbackup',
      'RESTORE_DATABASE=1 topobank-backup dbbackup',
    ],
    run: async (invocation) => (await import('../commands/dbbackup.ts')).run(invocation),
  },
];
