import type { CommandSpec } from './command.ts';

/** Commands that look and tell, and change nothing. */
export const CHECK_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'doctor',
    about: 'Try everything that backups and restores need.',
    groups: ['database', 'store'],
    examples: ['topobank-backup doctor'],
    run: async (invocation) => (await import('../commands/doctor.ts')).run(invocation),
  },
];
