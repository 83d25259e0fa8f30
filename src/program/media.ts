import { MEDIA_GROUPS, PURGE_GROUPS, QUARANTINE_GROUPS } from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands about rows and the media objects that they own. */
export const MEDIA_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'audit-orphans',
    about: 'Compare the media objects that rows name with the objects in the bucket.',
    groups: QUARANTINE_GROUPS,
    options: [
      ['--backup <id>', 'audit a backup’s rows instead: which references would dangle if it were restored'],
      ['--all-backups', 'audit every backup under S3_PREFIX, and print one line for each'],
      ['--quarantine', 'move orphans into quarantine, except those that a kept backup needs'],
      ['--yes', 'do not ask for confirmation'],
      ['--ndjson <file>', 'write every finding to this file as a line of JSON'],
      ['--csv <file>', 'write every finding to this file as a line of CSV'],
    ],
    examples: [
      'topobank-backup audit-orphans',
      'topobank-backup audit-orphans --grace 7d --csv orphans.csv',
      'topobank-backup audit-orphans --backup 20261123103000',
      'topobank-backup audit-orphans --all-backups --json',
      'topobank-backup audit-orphans --quarantine',
      `topobank-backup audit-orphans --references '[{"column": "blog_post.image"}]'`,
    ],
    run: async (invocation) => (await import('../commands/audit-orphans.ts')).run(invocation),
  },
  {
    name: 'quarantine',
    about: 'List quarantined objects, move them back, or delete them.',
    groups: PURGE_GROUPS,
    args: [
      ['<what>', '`list`, `restore` or `purge`'],
      ['[run]', 'run to restore, as shown by `quarantine list`'],
    ],
    options: [
      ['--key <key>', 'with restore: only the object that had this key, which may be given as it is shown'],
      ['--older-than <age>', 'with purge: delete runs at least this old, such as 30d; 0: all'],
      ['--dry-run', 'with purge: show what would be deleted, and do nothing'],
      ['--yes', 'do not ask for confirmation'],
    ],
    examples: [
      'topobank-backup quarantine list',
      'topobank-backup quarantine restore 20261123103000 --key media/uploads/1/scan.opd',
      'topobank-backup quarantine purge --older-than 30d --dry-run',
    ],
    run: async (invocation, what = '', runId) =>
      (await import('../commands/quarantine.ts')).run(invocation, what, runId),
  },
  {
    name: 'media',
    about:
      'Check the media recorded with a backup, or restore missing ones; exit 3 if any are missing or changed.',
    groups: MEDIA_GROUPS,
    args: [
      ['<what>', '`check` or `restore`'],
      ['<id>', 'backup id, or `latest`: the newest of POSTGRES_DB, if that is given'],
    ],
    options: [['--dry-run', 'with restore: show what would be restored, and do nothing']],
    examples: [
      'topobank-backup media check latest',
      'topobank-backup media restore 20261123103000 --dry-run',
    ],
    run: async (invocation, what = '', id = '') =>
      (await import('../commands/media.ts')).run(invocation, what, id),
  },
];
