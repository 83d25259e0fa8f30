import { Command, CommanderError } from 'commander';
import { EXIT } from '../errors.ts';
import { BACKUP_COMMANDS } from './backups.ts';
import { CHECK_COMMANDS } from './checks.ts';
import { addCommand, type CommandSpec, HELP_END, type ProgramContext } from './command.ts';
import { MEDIA_COMMANDS } from './media.ts';
import { RESTORE_COMMANDS } from './restore.ts';
import { SERVICE_COMMANDS } from './service.ts';
import { usageError } from './usage-error.ts';

/** Every command, in the order in which the help lists them. */
export const COMMANDS: readonly CommandSpec[] = [
  ...BACKUP_COMMANDS,
  ...RESTORE_COMMANDS,
  ...SERVICE_COMMANDS,
  ...CHECK_COMMANDS,
  ...MEDIA_COMMANDS,
];

/**
 * Runs one command line.
 *
 * @param version of this program
 * @returns the exit status
 * @throws what the command throws
 */
export async function runProgram(
  argv: readonly string[],
  version: string,
  surroundings: Pick<ProgramContext, 'env' | 'signal' | 'bars'>,
): Promise<number> {
  let status: number = EXIT.done;
  const program = buildProgram(version, {
    ...surroundings,
    tool: `topobank-backup ${version}`,
    onExit: (code) => {
      status = code;
    },
  });
  try {
    await program.parseAsync(withoutHelpOfUnknown(argv));
    return status;
  } catch (error) {
    // Help or the version was shown.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    throw error;
  }
}

/**
 * Asked for the help of an unknown command, commander shows the whole help instead of saying that there is no such
 * command.
 */
function withoutHelpOfUnknown(argv: readonly string[]): readonly string[] {
  const [first, second] = argv.slice(2).filter((arg) => !arg.startsWith('-'));
  const name = first === 'help' ? second : first;
  const isKnown = name === undefined || name === 'help' || COMMANDS.some((spec) => spec.name === name);
  return isKnown ? argv : [...argv.slice(0, 2), name];
}

/** The tool's whole command line. */
function buildProgram(version: string, context: ProgramContext): Command {
  const program = new Command('topobank-backup')
    .description('Back up PostgreSQL databases to S3, verify the backups, and restore them.')
    .version(version)
    .exitOverride((error) => {
      throw usageError('topobank-backup', error);
    })
    // Usage errors are reported once, like every other error.
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .addHelpText('after', HELP_END);
  for (const spec of COMMANDS) addCommand(program, spec, context);
  return program;
}
