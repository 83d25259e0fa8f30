import { AUDIT_GROUPS, RESTORE_GROUPS } from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands that bring a database back. */
export const RESTORE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'restore',
    about: 'Restore a backup or a local dump beside the database, check it, and swap the two.',
    groups: [...RESTORE_GROUPS, ...AUDIT_GROUPS],
    args: [['[what]', 'id of a backup, or a file (.sql, .sql.gz, .dump)']],
    options: [
      ['--latest', 'the newest backup of this database that is whole'],
      ['--at <time>', 'the newest of them begun at or before this UTC time; a date alone means 00:00'],
      ['--into <name>', 'restore into a new database of this name and swap nothing'],
      ['--in-place', 'drop the database first, where there is no room for two'],
      ['--drop-old', 'drop the old database after the swap instead of keeping it'],
      [
        '--jobs <n>',
        'number of connections to restore over (default: one for each core, at most 4 and as many as are free)',
      ],
      [
        '--data-only',
        'with --table: only its rows, all or none, into a database --into that has the table, empty; triggers do not fire',
      ],
      ['--no-owner', 'leave out owners and grants'],
      [
        '--with-media',
        'bring back the media of the backup that are missing, as `media restore` does: exit 3 while any is missing or another than it was',
      ],
      [
        '--no-audit',
        'do not compare rows and media objects, neither before nor after; single tables never are',
      ],
      ['--dry-run', 'say what would be done and do nothing'],
      ['--yes', 'do not ask'],
    ],
    lists: [
      [
        '--table <name>',
        'with --into: the rows of this table alone, its partitions included (repeatable); the others stay empty, their bytes unread',
      ],
    ],
    examples: [
      'topobank-backup restore --latest',
      'topobank-backup restore --at 2026-11-23T10:30 --yes',
      'topobank-backup restore ./dump.sql.gz --into topobank_copy',
      'topobank-backup restore --latest --table public.manager_topography --into topobank_look',
      'topobank-backup restore --latest --table public.manager_topography --data-only --into topobank',
    ],
    run: async (invocation, what) => (await import('../commands/restore.ts')).run(invocation, what),
  },
];
