import {
  LIST_GROUPS,
  PRUNE_GROUPS,
  PUSH_GROUPS,
  READ_GROUPS,
  RUN_GROUPS,
  SHOW_GROUPS,
} from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands that make, list and move backups. */
export const BACKUP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup',
    about: 'Dump the database into the bucket now, and delete the backups that no rule keeps.',
    groups: RUN_GROUPS,
    examples: ['topobank-backup backup', 'topobank-backup backup --database topobank --json'],
    run: async (invocation) => (await import('../commands/backup.ts')).run(invocation),
  },
  {
    name: 'list',
    about: 'List the backups in the bucket, newest first.',
    groups: LIST_GROUPS,
    examples: ['topobank-backup list', 'topobank-backup list --json'],
    run: async (invocation) => (await import('../commands/list.ts')).run(invocation),
  },
  {
    name: 'show',
    about: 'Show the details of a backup, or how each table differs from another backup.',
    groups: SHOW_GROUPS,
    args: [['<id>', 'backup id, or `latest`: the newest of POSTGRES_DB, if that is given']],
    options: [
      ['--diff <other>', 'show how many rows and bytes each table has gained or lost since this backup'],
    ],
    examples: [
      'topobank-backup show 20261123103000',
      'topobank-backup show 20261123103000 --diff 20261122103000',
    ],
    run: async (invocation, id = '') => (await import('../commands/show.ts')).run(invocation, id),
  },
  {
    name: 'fetch',
    about: 'Download a dump, or one table of it, and check it against its manifest.',
    groups: READ_GROUPS,
    args: [
      ['<id>', 'backup id, or `latest`: the newest of POSTGRES_DB, if that is given'],
      ['[dir]', 'directory to write the file to (default: current directory)'],
    ],
    options: [
      ['--table <name>', 'only the rows of this table, in COPY text format; name it as in psql'],
      [
        '--csv',
        'with --table: as CSV, the rows in the encoding of the dump, with a header line in UTF-8 or LATIN1',
      ],
    ],
    examples: [
      'topobank-backup fetch 20261123103000 /var/tmp',
      'topobank-backup fetch latest --table public.manager_topography --csv',
    ],
    run: async (invocation, id = '', directory = '.') =>
      (await import('../commands/fetch.ts')).run(invocation, id, directory),
  },
  {
    name: 'push',
    about: 'Store a local dump (.sql, .sql.gz, .dump) as a backup.',
    groups: PUSH_GROUPS,
    args: [
      [
        '<file>',
        'a file written by pg_dump; a time in its name becomes the backup’s id; the upload may take at most 24 hours',
      ],
    ],
    examples: ['topobank-backup push ./backup_2018_03_13T09_05_07.sql.gz'],
    run: async (invocation, file = '') => (await import('../commands/push.ts')).run(invocation, file),
  },
  {
    name: 'prune',
    about: 'Delete the backups that neither MAX_BACKUPS nor a KEEP_* rule keeps.',
    groups: PRUNE_GROUPS,
    options: [
      ['--dry-run', 'show what would be deleted and why the rest is kept, and delete nothing'],
      ['--yes', 'do not ask for confirmation'],
    ],
    examples: [
      'topobank-backup prune --dry-run',
      'MAX_BACKUPS=1 KEEP_DAILY=14 KEEP_MONTHLY=12 topobank-backup prune',
    ],
    run: async (invocation) => (await import('../commands/prune.ts')).run(invocation),
  },
];
