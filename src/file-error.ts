import { ConfigError, type ErrorParts, type OperatorError, OutputError } from './errors.ts';

/** What any other file of the same disk, or of the same process, would have failed with as well. */
const NOT_OF_THE_NAME = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EMFILE', 'ENFILE']);

/**
 * The error of a file that could not be written.
 *
 * @param words what went wrong, for codes that say little
 * @returns OutputError where the disk is to blame, ConfigError where it is the name that was given
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
