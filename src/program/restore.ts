import { AUDIT_GROUPS, RESTORE_GROUPS } from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands that bring a database back. */
export const RESTORE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'restore',
    about: 'Restore a backup or a local dump beside the database, check it, and swap the two.',
    groups: [...RESTORE_GROUPS, ...AUDIT_GROUPS],
    args: [['[what]', 'backup id, or a file (.sql, .sql.gz, .dump)']],
    options: [
      ['--latest', 'restore the newest usable backup of this database'],
      [
        '--at <time>',
        'restore the newest such backup started at or before this UTC time; a date alone means 00:00',
      ],
      ['--into <name>', 'restore into a new database of this name, and swap nothing'],
      ['--in-place', 'drop the database first, if there is no room for two'],
      ['--drop-old', 'drop the old database after the swap instead of keeping it'],
      [
        '--jobs <n>',
        'number of connections to use (default: one per core, at most 4, and no more than are free)',
      ],
      [
        '--table <name>',
        'with --into: restore rows of this table only, including partitions (repeatable); other tables stay empty',
        'list',
      ],
      [
        '--data-only',
        'with --table: load only the rows, in one transaction, into the empty table of the existing database named by --into; triggers do not fire',
      ],
      ['--no-owner', 'omit owners and grants'],
      [
        '--with-media',
        'also restore missing media of the backup, as `media restore` does; exit 3 if any are missing or changed (not with --dry-run)',
      ],
      ['--no-audit', 'skip comparing rows with media objects (never done with --table)'],
      ['--dry-run', 'show what would be done, and do nothing'],
      ['--yes', 'do not ask for confirmation'],
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
