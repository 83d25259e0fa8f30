import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How much a program writes at once, in stdbuf's notation. */
const AT_ONCE = '256K';

/**
 * The command that runs a program with a larger buffer for its standard output, if this machine has `stdbuf`. pg_dump
 * writes to a pipe 4 KiB at a time (the buffer of C's stdio, setvbuf(3)); receiving that many small pieces costs a
 * sixth of a backup's time. `stdbuf` (GNU coreutils) replaces itself with the program, so process ID, signals and
 * exit status are the program's own.
 */
export function withLargeWrites(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { readonly path: string; readonly args: readonly string[] } {
  const stdbuf = (env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'stdbuf'))
    .find(isExecutable);
  return stdbuf === undefined
    ? { path, args }
    : { path: stdbuf, args: [`--output=${AT_ONCE}`, path, ...args] };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
