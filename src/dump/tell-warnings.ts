import type { Readable } from 'node:stream';

/** How many warnings of a program are told, and how much of each, in characters. */
const TOLD = 20;
const LENGTH_TOLD = 1000;

/**
 * Tells the warnings that a program of PostgreSQL writes, each with the detail and the hint that follow it, which have
 * lines of their own. The same may be said of each of a thousand tables, so only the first are told.
 *
 * @param stderr its standard error, as text
 */
export function tellWarnings(stderr: Readable, warn: (said: string) => void): void {
  let rest = '';
  let warning: string | undefined;
  let count = 0;

  function end(): void {
    if (warning === undefined) return;
    count += 1;
    if (count <= TOLD) warn(warning);
    warning = undefined;
  }

  function read(line: string): void {
    const [, kind, text = ''] = /^[^:\s]+: (warning|detail|hint): (.*)/.exec(line) ?? [];
    if (kind === 'warning') {
      end();
      warning = text;
    } else if (kind === undefined) end();
    else if (warning !== undefined) warning = `${warning}; ${text}`.slice(0, LENGTH_TOLD);
  }

  stderr.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, LENGTH_TOLD);
    for (const line of lines) read(line.slice(0, LENGTH_TOLD));
  });
  stderr.on('end', () => {
    read(rest);
    end();
    if (count > TOLD) warn(`${count - TOLD} more warnings`);
  });
}
