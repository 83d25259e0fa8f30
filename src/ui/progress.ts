import { Presets, SingleBar } from 'cli-progress';
import { formatBytes, formatDuration } from './format.ts';
import type { Logger } from './log.ts';

/** How often a line is logged where there is no terminal, in milliseconds. */
const LINE_MS = 5000;

/** Long work that counts bytes. */
export interface Progress {
  add(bytes: number): void;
  /** Ends the bar, whether the work succeeded or not. */
  stop(): void;
}

/** Begins to show the progress of `label`. `expected` bytes may be an estimate, or 0 when nothing is known. */
export type StartProgress = (label: string, expected: number) => Progress;

/** A bar on a terminal, a line every few seconds elsewhere, nothing with `quiet`. */
export function createProgress(options: {
  readonly terminal: NodeJS.WriteStream | undefined;
  readonly quiet: boolean;
  readonly log: Logger;
}): StartProgress {
  return (label, expected) => {
    if (options.quiet) return { add: () => {}, stop: () => {} };
    return options.terminal === undefined
      ? lines(label, expected, options.log)
      : bar(label, expected, options.terminal);
  };
}

/** What is known after `bytes` in `ms`: rate, and time left where there is an estimate. */
export function describeProgress(bytes: number, expected: number, ms: number): string {
  const rate = ms > 0 ? bytes / (ms / 1000) : 0;
  const parts = [formatBytes(bytes)];
  if (rate > 0) parts.push(`${formatBytes(Math.round(rate))}/s`);
  if (rate > 0 && expected > bytes)
    parts.push(`about ${formatDuration(((expected - bytes) / rate) * 1000)} left`);
  return parts.join(', ');
}

function lines(label: string, expected: number, log: Logger): Progress {
  const began = performance.now();
  let bytes = 0;
  const timer = setInterval(() => {
    log.info(`${label}: ${describeProgress(bytes, expected, performance.now() - began)}`);
  }, LINE_MS);
  timer.unref();
  return {
    add: (more) => {
      bytes += more;
    },
    stop: () => clearInterval(timer),
  };
}

function bar(label: string, expected: number, stream: NodeJS.WriteStream): Progress {
  const began = performance.now();
  let bytes = 0;
  const display = new SingleBar(
    {
      stream,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      format: expected > 0 ? `${label} {bar} {known}` : `${label} {known}`,
    },
    Presets.shades_classic,
  );
  display.start(Math.max(1, expected), 0, { known: '' });
  return {
    add: (more) => {
      bytes += more;
      if (bytes > expected) display.setTotal(bytes);
      display.update(bytes, { known: describeProgress(bytes, expected, performance.now() - began) });
    },
    stop: () => display.stop(),
  };
}
