import type { CommanderError } from 'commander';
import { ConfigError } from '../errors.ts';

/** Codes of commander for help or version being shown, on request or for lack of a command. */
const SHOWN = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/**
 * An error of commander, in the form of every other error.
 *
 * @param command as typed: `topobank-backup restore`
 */
export function usageError(command: string, error: CommanderError): Error {
  if (SHOWN.has(error.code)) return error;
  return new ConfigError({
    doing: `cannot run ${command}`,
    // The remedy names --help in any case, and `--keep` is nearer to --keep-daily than to it.
    problem: error.message.replace(/^error: /, '').replace(/\s*\(Did you mean --help\?\)$/, ''),
    remedy: `see ${command} --help`,
    cause: error,
  });
}
