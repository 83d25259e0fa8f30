import { expect, test, vi } from 'vitest';
import { createBars } from '../../src/ui/bars.ts';
import { createProgress } from '../../src/ui/progress.ts';
import { createTerminal } from '../support/terminal.ts';
import { keepingLog } from '../support/test-bed.ts';

const LONG = 'a line that is longer than the terminal is wide, and whose last word matters';

function begin(lines: number, columns?: number) {
  const terminal = createTerminal(columns === undefined ? {} : { columns });
  const bars = createBars();
  const write = (text: string) => bars.aside(() => terminal.stream.write(`${text}\n`));
  for (let line = 0; line < lines; line++) write(`before ${line}`);
  const { log } = keepingLog();
  const startProgress = createProgress({ terminal: terminal.stream, bars, quiet: false, log });
  return { terminal, write, startProgress };
}

test.each([0, 3, 10])('lines beside a bar are whole, and it is below them: %i lines before', (before) => {
  const { terminal, write, startProgress } = begin(before);
  const earlier = Array.from({ length: before }, (_, line) => `before ${line}`);
  const progress = startProgress('backup', 1000);
  progress.add(100);
  write('first');
  write(LONG);
  progress.add(100);
  const written = [...earlier, 'first', LONG.slice(0, 60), LONG.slice(60)];
  expect(terminal.lines()).toEqual([...written, expect.stringMatching(/^backup █+░+ 100 B/)]);
  progress.stop();
  write('behind');
  expect(terminal.lines()).toEqual([...written, 'behind']);
});

test('a bar that has ended is not drawn again', () => {
  const { terminal, write, startProgress } = begin(0);
  startProgress('backup', 0).stop();
  write('behind');
  expect(terminal.lines()).toEqual(['behind']);
});

test.each([
  [40, /^backup 512 MiB\b/],
  [60, /^backup █+░+ 512 MiB\b/],
  [200, /^backup █{20}░{20} 512 MiB\b/],
])('the bar leaves room for what is known on a terminal of %i columns', (columns, shown) => {
  const { terminal, write, startProgress } = begin(0, columns);
  const progress = startProgress('backup', 1024 ** 3);
  progress.add(512 * 1024 ** 2);
  // Draws it anew.
  write('first');
  expect(terminal.lines()).toEqual(['first', expect.stringMatching(shown)]);
  progress.stop();
});

test('a step that moves no bytes is shown instead of the rate, and for how long the work has gone on', () => {
  vi.useFakeTimers();
  try {
    const { terminal, startProgress } = begin(0, 70);
    const progress = startProgress('restore', 1000);
    progress.add(1000);
    progress.step('indexes and constraints: 3 of 14 done, now \u001bbig_pkey');
    vi.advanceTimersByTime(90_000);
    expect(terminal.lines()).toEqual([
      'restore 1m 30s, indexes and constraints: 3 of 14 done, now \\x1bbig_pke',
    ]);
    progress.stop();
  } finally {
    vi.useRealTimers();
  }
});

test('without a terminal lines come often at first, and in work of hours once a minute', () => {
  vi.useFakeTimers();
  try {
    const { log, lines } = keepingLog();
    const startProgress = createProgress({ terminal: undefined, bars: createBars(), quiet: false, log });
    const progress = startProgress('restore', 0);
    progress.add(1024 ** 2);
    vi.advanceTimersByTime(10_000);
    expect(lines).toEqual(['info: restore: 1 MiB, 205 KiB/s', 'info: restore: 1 MiB, 102 KiB/s']);
    progress.step('indexes and constraints: 3 of 14 done');
    vi.advanceTimersByTime(3600_000);
    expect(lines[2]).toBe('info: restore: 15s, indexes and constraints: 3 of 14 done');
    const inFirstHour = lines.length;
    expect(inFirstHour).toBeLessThan(90);
    vi.advanceTimersByTime(3600_000);
    expect(lines.length - inFirstHour).toBe(60);
    progress.stop();
    vi.advanceTimersByTime(3600_000);
    expect(lines.length - inFirstHour).toBe(60);
  } finally {
    vi.useRealTimers();
  }
});
