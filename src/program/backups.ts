import type { CommandSpec } from './command.ts';

/** Commands that make, list and move backups. */
export const BACKUP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup',
    about: 'Dump the database into the bucket, now, and delete the backups that no rule keeps.',
    groups: ['database', 'store', 'backup', 'retention', 'guard', 'zone', 'lock'],
    examples: ['topobank-backup backup', 'topobank-backup backup --database topobank --json'],
    run: async (invocation) => (await import('../commands/backup.ts')).run(invocation),
  },
  {
    name: 'list',
    about: 'List the backups in the bucket, newest first.',
    groups: ['store'],
    examples: ['topobank-backup list', 'topobank-backup list --json'],
    run: async (invocation) => (await import('../commands/list.ts')).run(invocation),
  },
  {
    name: 'show',
    about: 'Show what is known of one backup.',
    groups: ['store'],
    args: [['<id>', 'id of the backup, as `list` shows it']],
    examples: ['topobank-backup show 20261123103000'],
    run: async (invocation, id = '') => (await import('../commands/show.ts')).run(invocation, id),
  },
  {
    name: 'fetch',
    about: 'Download a dump, checked against its manifest.',
    groups: ['store'],
    args: [
      ['<id>', 'id of the backup, or `latest`'],
      ['[dir]', 'directory for the file (the present one)'],
    ],
    examples: ['topobank-backup fetch 20261123103000 /var/tmp', 'topobank-backup fetch latest'],
    run: async (invocation, id = '', directory = '.') =>
      (await import('../commands/fetch.ts')).run(invocation, id, directory),
  },
  {
    name: 'push',
    about: 'Store a local dump (.sql, .sql.gz, .dump) as a backup.',
    groups: ['store', 'backup'],
    args: [['<file>', 'a file that pg_dump wrote']],
    examples: ['topobank-backup push ./backup_2018_03_13T09_05_07.sql.gz'],
    run: async (invocation, file = '') => (await import('../commands/push.ts')).run(invocation, file),
  },
  {
    name: 'prune',
    about: 'Delete the backups that no rule of MAX_BACKUPS and KEEP_* keeps.',
    groups: ['store', 'database', 'retention', 'guard', 'zone', 'lock'],
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
