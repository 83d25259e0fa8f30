import { Command } from 'commander';
import { BACKUP_COMMANDS } from './backups.ts';
import { CHECK_COMMANDS } from './checks.ts';
import { addCommand, type CommandSpec, HELP_END, type ProgramContext } from './command.ts';
import { RESTORE_COMMANDS } from './restore.ts';
import { SERVICE_COMMANDS } from './service.ts';
import { usageError } from './usage-error.ts';

/** Every command, in the order in which the help lists them. */
export const COMMANDS: readonly CommandSpec[] = [
  ...BACKUP_COMMANDS,
  ...RESTORE_COMMANDS,
  ...SERVICE_COMMANDS,
  ...CHECK_COMMANDS,
];

/** The whole command line of the tool. */
export function buildProgram(version: string, context: ProgramContext): Command {
  const program = new Command('topobank-backup')
    .description(
      'PostgreSQL to S3: backups that are complete or absent, restores that cannot make things worse.',
    )
    .version(version)
    .exitOverride((error) => {
      throw usageError('topobank-backup', error);
    })
    // What is refused is said once, like every other error.
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', HELP_END);
  for (const spec of COMMANDS) addCommand(program, spec, context);
  return program;
}
