import { Presets, SingleBar } from 'cli-progress';
import type { Bar, Bars } from './bars.ts';
import { escapeControls } from './controls.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Logger } from './log.ts';

/** How often a line is logged without a terminal, in milliseconds. */
const LINE_MS = 5000;

/** The progress of long work, in bytes or another unit. */
export interface Progress {
  add(amount: number): void;
  /** Ends the bar, whether the work succeeded or not. */
  stop(): void;
}

/**
 * Begins to show the progress of `label`. `expected` may be an estimate, or 0 if nothing is known. Amounts are bytes,
 * unless `format` formats another unit.
 */
export type StartProgress = (
  label: string,
  expected: number,
  format?: (amount: number) => string,
) => Progress;

/** A bar on a terminal, a line every few seconds elsewhere, nothing with `quiet`. */
export function createProgress(options: {
  readonly terminal: NodeJS.WriteStream | undefined;
  readonly bars: Bars;
  readonly quiet: boolean;
  readonly log: Logger;
}): StartProgress {
  return (label, expected, format = formatBytes) => {
    if (options.quiet) return { add: () => {}, stop: () => {} };
    const describe = (amount: number, ms: number) => describeProgress(amount, expected, ms, format);
    return options.terminal === undefined
      ? lines(label, describe, options.log)
      : bar(label, expected, describe, options.terminal, options.bars);
  };
}

/** The rate is used to estimate the time left after this many milliseconds, and this share of the work. */
const SETTLED_MS = 2000;
const SETTLED_SHARE = 0.002;

/** Describes the progress after `amount` in `ms`: rate, and time left if there is an estimate. */
export function describeProgress(
  amount: number,
  expected: number,
  ms: number,
  format: (amount: number) => string = formatBytes,
): string {
  const rate = ms > 0 ? amount / (ms / 1000) : 0;
  const parts = [format(amount)];
  if (rate > 0) parts.push(`${format(Math.round(rate))}/s`);
  const left = rate > 0 ? ((expected - amount) / rate) * 1000 : 0;
  if (ms >= SETTLED_MS && amount >= expected * SETTLED_SHARE && left >= 1000)
    parts.push(`about ${formatDuration(left)} left`);
  return parts.join(', ');
}

type Describe = (amount: number, ms: number) => string;

function lines(label: string, describe: Describe, log: Logger): Progress {
  const began = performance.now();
  let amount = 0;
  const timer = setInterval(() => {
    log.info(`${label}: ${describe(amount, performance.now() - began)}`);
  }, LINE_MS);
  timer.unref();
  return {
    add: (more) => {
      amount += more;
    },
    stop: () => clearInterval(timer),
  };
}

/** Widths in characters: the widest bar, the narrowest that shows something, and room for what is known beside it. */
const WIDEST_BAR = 40;
const NARROWEST_BAR = 5;
const KNOWN_WIDTH = '1023.9 MiB, 1023.9 MiB/s, about 59m 59s left'.length;

/** The width of the bar, so that what is known fits on the line beside it; 0 if there is no room for one. */
function fitBar(name: string, columns: number | undefined): number {
  // A terminal whose size was never set reports 0.
  if (!columns) return WIDEST_BAR;
  const room = columns - `${name}  `.length - KNOWN_WIDTH;
  return room < NARROWEST_BAR ? 0 : Math.min(WIDEST_BAR, room);
}

function bar(
  label: string,
  expected: number,
  describe: Describe,
  stream: NodeJS.WriteStream,
  { shown }: Bars,
): Progress {
  const began = performance.now();
  let amount = 0;
  const name = escapeControls(label);
  const barsize = fitBar(name, stream.columns);
  const display = new SingleBar(
    {
      stream,
      barsize,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      format: expected > 0 && barsize > 0 ? `${name} {bar} {known}` : `${name} {known}`,
    },
    Presets.shades_classic,
  );
  const draw = () => {
    const known = amount === 0 ? '' : describe(amount, performance.now() - began);
    display.start(Math.max(1, expected, amount), amount, { known });
  };
  const own: Bar = { hide: () => display.stop(), show: draw };
  draw();
  shown.add(own);
  return {
    add: (more) => {
      amount += more;
      // An update would bring back a bar that was removed for good.
      if (!shown.has(own)) return;
      if (amount > expected) display.setTotal(amount);
      display.update(amount, { known: describe(amount, performance.now() - began) });
    },
    stop() {
      shown.delete(own);
      display.stop();
    },
  };
}
