import type { CommanderError } from 'commander';
import { ConfigError } from '../errors.ts';

/** Codes of commander that stand for help or version being shown, as it was asked for or for want of a command. */
const SHOWN = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/**
 * What commander refuses, in the form of every other error.
 *
 * @param command as it is typed: `topobank-backup restore`
 */
export function usageError(command: string, error: CommanderError): Error {
  if (SHOWN.has(error.code)) return error;
  return new ConfigError({
    doing: `cannot run ${command}`,
    problem: error.message.replace(/^error: /, ''),
    remedy: `see ${command} --help`,
    cause: error,
  });
}
