import { Writable } from 'node:stream';

/** A terminal of some lines, as far as a progress bar and lines of text need one; what scrolls off it is kept. */
export interface Terminal {
  readonly stream: NodeJS.WriteStream;
  /** All lines from the first, without blanks at their ends and without empty ones at the end. */
  lines(): string[];
}

const ESC = '\u001b';

const TOKEN = new RegExp(`${ESC}7|${ESC}8|${ESC}\\[\\??([\\d;]*)([A-Za-z])|\\n|\\r|[^${ESC}\\n\\r]`, 'gu');

export function createTerminal({ columns = 60, rows = 4 } = {}): Terminal {
  const gone: string[] = [];
  let screen = Array.from({ length: rows }, () => [] as string[]);
  let [x, y] = [0, 0];
  let saved: [number, number] = [0, 0];
  let wraps = true;

  function newline(): void {
    x = 0;
    if (y < rows - 1) y += 1;
    else {
      gone.push(screen[0]!.join(''));
      screen = [...screen.slice(1), []];
    }
  }

  function put(letter: string): void {
    if (x === columns && wraps) newline();
    // Without wrapping the last column is written over and over.
    const at = Math.min(x, columns - 1);
    const line = screen[y]!;
    while (line.length < at) line.push(' ');
    line[at] = letter;
    x = at + 1;
  }

  function control(parameter: string, command: string): void {
    if (command === 'G') x = Number(parameter || 1) - 1;
    else if (command === 'K') {
      const line = screen[y]!;
      if (parameter === '2') line.length = 0;
      else line.length = Math.min(line.length, x);
    } else if (parameter === '7') wraps = command === 'h';
    else if (parameter !== '25' && command !== 'm')
      throw new Error(`no terminal here knows ${parameter}${command}`);
  }

  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _, done) {
      for (const [token, parameter = '', command] of String(chunk).matchAll(TOKEN)) {
        if (token === `${ESC}7`) saved = [x, y];
        else if (token === `${ESC}8`) [x, y] = saved;
        else if (command !== undefined) control(parameter, command);
        else if (token === '\n') newline();
        else if (token === '\r') x = 0;
        else put(token);
      }
      done();
    },
  });
  return {
    stream: Object.assign(stream, { isTTY: true, columns, rows }) as unknown as NodeJS.WriteStream,
    lines() {
      const all = [...gone, ...screen.map((line) => line.join(''))].map((line) => line.trimEnd());
      return all.slice(0, all.findLastIndex((line) => line !== '') + 1);
    },
  };
}
