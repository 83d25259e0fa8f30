import { Format, Presets, SingleBar } from 'cli-progress';
import type { Bar, Bars } from './bars.ts';
import { escapeControls } from './controls.ts';
import { formatBytes, formatDuration, formatNumber } from './format.ts';
import type { Logger } from './log.ts';

/** How often a bar shows anew what is known, in milliseconds, so that it tells of a standstill too. */
const BAR_MS = 1000;

/** The progress of long work, in bytes or objects. */
export interface Progress {
  add(amount: number): void;
  /**
   * Shows which step is being done, and for how long all has taken, in place of the amount and its rate; with undefined
   * the amount again.
   */
  step(what: string | undefined): void;
  /** Ends the bar, whether the work succeeded or not. */
  stop(): void;
}

/**
 * Begins to show the progress of `label`, in bytes by default. `expected` may be an estimate, or 0 if nothing is known.
 */
export type StartProgress = (label: string, expected: number, unit?: 'bytes' | 'objects') => Progress;

/** A bar on a terminal, a line now and then elsewhere, nothing with `quiet`. */
export function createProgress(options: {
  readonly terminal: NodeJS.WriteStream | undefined;
  readonly bars: Bars;
  readonly quiet: boolean;
  readonly log: Logger;
}): StartProgress {
  return (label, expected, unit = 'bytes') => {
    if (options.quiet) return { add: () => {}, step: () => {}, stop: () => {} };
    const format = unit === 'bytes' ? formatBytes : (amount: number) => formatNumber(amount, 'object');
    const meter = createMeter(expected, format);
    return options.terminal === undefined
      ? lines(label, meter, options.log)
      : bar(label, expected, meter, options.terminal, options.bars);
  };
}

/** What is known of the progress. */
interface Meter extends Omit<Progress, 'stop'> {
  amount(): number;
  /** Whether a step is shown. */
  inSteps(): boolean;
  /** How long it has taken, in milliseconds. */
  elapsed(): number;
  describe(): string;
}

function createMeter(expected: number, format: (amount: number) => string): Meter {
  const began = performance.now();
  const elapsed = () => performance.now() - began;
  let amount = 0;
  let step: string | undefined;
  return {
    add(more) {
      amount += more;
    },
    step(what) {
      step = what;
    },
    amount: () => amount,
    inSteps: () => step !== undefined,
    elapsed,
    describe: () =>
      step === undefined
        ? describeProgress(amount, expected, elapsed(), format)
        : `${formatDuration(elapsed())}, ${step}`,
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

/** The least and the most time between two lines, and that time as a share of how long the work has taken. */
const LEAST_LINE_MS = 5000;
const MOST_LINE_MS = 60_000;
const LINE_SHARE = 1 / 8;

/**
 * @param ms how long the work has taken, in milliseconds
 * @returns after how much time the next line is logged: work of hours must not fill the log, and still show that it
 * goes on
 */
function nextLineIn(ms: number): number {
  return Math.min(MOST_LINE_MS, Math.max(LEAST_LINE_MS, ms * LINE_SHARE));
}

function lines(label: string, meter: Meter, log: Logger): Progress {
  let timer = later();
  function later(): NodeJS.Timeout {
    const next = () => {
      log.info(`${label}: ${meter.describe()}`);
      timer = later();
    };
    return setTimeout(next, nextLineIn(meter.elapsed())).unref();
  }
  return { add: meter.add, step: meter.step, stop: () => clearTimeout(timer) };
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

/** What a bar is given to show beside it. */
interface Known {
  readonly known: string;
}

function bar(
  label: string,
  expected: number,
  meter: Meter,
  stream: NodeJS.WriteStream,
  { shown }: Bars,
): Progress {
  const name = escapeControls(label);
  const barsize = fitBar(name, stream.columns);
  const display = new SingleBar(
    {
      stream,
      barsize,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      format: (options, { progress }, { known }: Known) => {
        // In steps it would be full, and leave no room for the names of what is being made.
        const hasBar = expected > 0 && barsize > 0 && !meter.inSteps();
        const line = hasBar ? `${name} ${Format.BarFormat(progress, options)} ${known}` : `${name} ${known}`;
        // The right edge may cut a surrogate pair in half.
        return line.slice(0, stream.columns || undefined).replace(/[\uD800-\uDBFF]$/, '');
      },
    },
    Presets.shades_classic,
  );
  let begun = false;
  const known = (): Known => ({ known: begun ? escapeControls(meter.describe()) : '' });
  const draw = () => display.start(Math.max(1, expected, meter.amount()), meter.amount(), known());
  const own: Bar = { hide: () => display.stop(), show: draw };
  const update = () => {
    // An update would bring back a bar that was removed for good.
    if (!begun || !shown.has(own)) return;
    if (meter.amount() > expected) display.setTotal(meter.amount());
    display.update(meter.amount(), known());
  };
  draw();
  shown.add(own);
  const timer = setInterval(update, BAR_MS).unref();
  return {
    add(more) {
      begun = true;
      meter.add(more);
      update();
    },
    step(what) {
      begun = true;
      meter.step(what);
      update();
    },
    stop() {
      clearInterval(timer);
      shown.delete(own);
      display.stop();
    },
  };
}
