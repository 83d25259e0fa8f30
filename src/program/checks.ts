import type { CommandSpec } from './command.ts';

/** Commands that look and tell, and change nothing. */
export const CHECK_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'verify',
    about: 'Prove a backup, the newest unless one is named: every byte against its manifest.',
    groups: ['store'],
    args: [['[id]', 'id of the backup']],
    options: [
      ['--all', 'every backup there is'],
      ['--quick', 'look up size and ETag only, and read nothing'],
    ],
    examples: ['topobank-backup verify', 'topobank-backup verify --all --quick --json'],
    run: async (invocation, id) => (await import('../commands/verify.ts')).run(invocation, id),
  },
  {
    name: 'doctor',
    about: 'Try everything that backups and restores need.',
    groups: ['database', 'store'],
    examples: ['topobank-backup doctor'],
    run: async (invocation) => (await import('../commands/doctor.ts')).run(invocation),
  },
  {
    name: 'health',
    about: 'Tell whether backups are being made: exit 0 if none is late, 1 if one is.',
    groups: ['store', 'schedule', 'guard', 'health'],
    examples: ['topobank-backup health', 'topobank-backup health --schedule @hourly --grace 30m --json'],
    run: async (invocation) => (await import('../commands/health.ts')).run(invocation),
  },
  {
    name: 'audit-orphans',
    about: 'Compare the rows that name media objects with the objects in the bucket.',
    groups: ['database', 'store', 'media', 'audit', 'dump-audit'],
    options: [
      ['--backup <id>', 'ask it of a backup, read out of its dump: what would dangle if it were restored'],
      ['--all-backups', 'a line for each backup in the bucket'],
      ['--ndjson <file>', 'write every finding as a line of JSON'],
      ['--csv <file>', 'write every finding as a line of CSV'],
    ],
    examples: [
      'topobank-backup audit-orphans',
      'topobank-backup audit-orphans --grace 7d --csv orphans.csv',
      'topobank-backup audit-orphans --backup 20261123103000',
      'topobank-backup audit-orphans --all-backups --json',
      `topobank-backup audit-orphans --references '[{"column": "blog_post.image"}]'`,
    ],
    run: async (invocation) => (await import('../commands/audit-orphans.ts')).run(invocation),
  },
];
