import { ConfigError, type ErrorParts, type OperatorError, OutputError } from './errors.ts';

/** Errors that any other file on the same disk, or of the same process, would have met as well. */
const NOT_OF_THE_NAME = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EMFILE', 'ENFILE']);

/**
 * The error for a file that could not be written.
 *
 * @param words what went wrong, for codes that say little
 * @returns OutputError if the disk is to blame, ConfigError if the given name is
 */
export function fileError(
  parts: Pick<ErrorParts, 'doing' | 'remedy'>,
  cause: unknown,
  words: Readonly<Record<string, string>> = {},
): OperatorError {
  const { code } = cause as NodeJS.ErrnoException;
  const Class = code !== undefined && NOT_OF_THE_NAME.has(code) ? OutputError : ConfigError;
  return new Class({ ...parts, problem: words[code ?? ''] ?? code ?? String(cause), cause });
}
