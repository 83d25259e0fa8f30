import { MEDIA_GROUPS, PURGE_GROUPS, QUARANTINE_GROUPS } from '../commands/groups.ts';
import type { CommandSpec } from './command.ts';

/** Commands about rows and the media objects that they own. */
export const MEDIA_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'audit-orphans',
    about: 'Compare the rows that name media objects with the objects in the bucket.',
    groups: QUARANTINE_GROUPS,
    options: [
      ['--backup <id>', 'audit the rows in a backup’s dump instead: what would dangle if it were restored'],
      ['--all-backups', 'a line for each backup in the bucket'],
      ['--quarantine', 'move the orphans out of the way, where no row and no kept backup needs them'],
      ['--yes', 'do not ask'],
      ['--ndjson <file>', 'write every finding as a line of JSON'],
      ['--csv <file>', 'write every finding as a line of CSV'],
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
    about: 'List what was moved out of the way, bring it back, or delete it for good.',
    groups: PURGE_GROUPS,
    args: [
      ['<what>', '`list`, `restore` or `purge`'],
      ['[run]', 'the run that is restored, as `quarantine list` shows it'],
    ],
    options: [
      ['--key <key>', 'with restore: only the object that had this key'],
      ['--older-than <age>', 'with purge: the runs that are at least this old, such as 30d'],
      ['--yes', 'do not ask'],
    ],
    examples: [
      'topobank-backup quarantine list',
      'topobank-backup quarantine restore 20261123103000 --key media/uploads/1/scan.opd',
      'topobank-backup quarantine purge --older-than 30d',
    ],
    run: async (invocation, what = '', runId) =>
      (await import('../commands/quarantine.ts')).run(invocation, what, runId),
  },
  {
    name: 'media',
    about:
      'Check the media that a backup has recorded, or bring those back that are missing: exit 3 while any is missing or another than it was.',
    groups: MEDIA_GROUPS,
    args: [
      ['<what>', '`check` or `restore`'],
      ['<id>', 'id of the backup, or `latest`'],
    ],
    options: [['--dry-run', 'with restore: say what would be brought back, and do nothing']],
    examples: [
      'topobank-backup media check latest',
      'topobank-backup media restore 20261123103000 --dry-run',
    ],
    run: async (invocation, what = '', id = '') =>
      (await import('../commands/media.ts')).run(invocation, what, id),
  },
];
