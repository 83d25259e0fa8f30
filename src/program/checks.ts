import { DOCTOR_GROUPS, DRILL_GROUPS, HEALTH_GROUPS } from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands that check and report, and change nothing. */
export const CHECK_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'verify',
    about: 'Verify every byte of a backup (by default the newest) against its manifest.',
    groups: DRILL_GROUPS,
    args: [['[id]', 'backup id, or `latest`: the newest of POSTGRES_DB, if that is given']],
    options: [
      ['--all', 'verify all backups'],
      ['--quick', 'check size and ETag only; do not read the dump'],
      ['--restore', 'also restore into a scratch database, dump it again, and compare'],
    ],
    examples: [
      'topobank-backup verify',
      'topobank-backup verify --all --quick --json',
      'topobank-backup verify --restore',
    ],
    run: async (invocation, id) => (await import('../commands/verify.ts')).run(invocation, id),
  },
  {
    name: 'doctor',
    about: 'Check everything that backups and restores need.',
    groups: DOCTOR_GROUPS,
    examples: ['topobank-backup doctor'],
    run: async (invocation) => (await import('../commands/doctor.ts')).run(invocation),
  },
  {
    name: 'health',
    about:
      'Check that backups are on schedule and the newest is not known to be faulty: exit 0 if so, 1 if not.',
    groups: HEALTH_GROUPS,
    examples: ['topobank-backup health', 'topobank-backup health --schedule @hourly --grace 30m --json'],
    run: async (invocation) => (await import('../commands/health.ts')).run(invocation),
  },
];
