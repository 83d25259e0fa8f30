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
    about: 'Dump the database into the bucket, now, and delete the backups that no rule keeps.',
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
    about: 'Show what is known of one backup, or what each table has gained and lost since another.',
    groups: SHOW_GROUPS,
    args: [['<id>', 'id of the backup, or `latest`']],
    options: [['--diff <other>', 'show rows and bytes by table that <id> has more or less than this backup']],
    examples: [
      'topobank-backup show 20261123103000',
      'topobank-backup show 20261123103000 --diff 20261122103000',
    ],
    run: async (invocation, id = '') => (await import('../commands/show.ts')).run(invocation, id),
  },
  {
    name: 'fetch',
    about: 'Download a dump, or one table of it, checked against its manifest.',
    groups: READ_GROUPS,
    args: [
      ['<id>', 'id of the backup, or `latest`'],
      ['[dir]', 'directory for the file (default: the current one)'],
    ],
    options: [
      ['--table <name>', 'only the rows of this table, in COPY text format; the name as in psql'],
      ['--csv', 'with --table: as CSV with a header line, in the encoding of the dump'],
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
    args: [['<file>', 'a file that pg_dump wrote; its upload may take 24 hours at most']],
    examples: ['topobank-backup push ./backup_2018_03_13T09_05_07.sql.gz'],
    run: async (invocation, file = '') => (await import('../commands/push.ts')).run(invocation, file),
  },
  {
    name: 'prune',
    about: 'Delete the backups that no rule of MAX_BACKUPS and KEEP_* keeps.',
    groups: PRUNE_GROUPS,
    options: [
      ['--dry-run', 'say what would be deleted, and why the rest stays'],
      ['--yes', 'do not ask'],
    ],
    examples: [
      'topobank-backup prune --dry-run',
      'MAX_BACKUPS=1 KEEP_DAILY=14 KEEP_MONTHLY=12 topobank-backup prune',
    ],
    run: async (invocation) => (await import('../commands/prune.ts')).run(invocation),
  },
];
