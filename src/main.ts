import { readFileSync } from 'node:fs';
import { EXIT, OperatorError, OutputError, StoppedError, tellError } from './errors.ts';
import { heardByMany } from './heard-by-many.ts';
import { type Bars, createBars } from './ui/bars.ts';
import { escapeControls, escapeInStack } from './ui/controls.ts';
import { outliveStderr } from './ui/stderr.ts';
import { watchStdout } from './ui/stdout.ts';

/** How long a stopped process may keep running, in milliseconds, for what its work left open. */
const LINGER_MS = 500;

/**
 * Stopped work whose cleanup takes longer than this, in milliseconds, says so; from then on a second signal ends it.
 */
const PATIENCE_MS = 3000;

/**
 * Runs one command line.
 *
 * @returns the exit status
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  outliveStderr();
  const stop = new AbortController();
  const signal = heardByMany(stop.signal);
  const bars = createBars();
  const say = createSay(env, bars);
  const stopListening = stopOnSignals(stop, bars, say);
  const stdout = watchStdout();
  try {
    const status = await run(argv, { env, signal, bars });
    const failure = await stdout.failure();
    if (failure === undefined) return status;
    const failed = report(lostOutput(failure, status), env, say);
    return status === EXIT.done ? failed : status;
  } catch (error) {
    if (error instanceof StoppedError) endSoon(error.exitStatus);
    bars.end();
    return report(error, env, say);
  } finally {
    stopListening();
  }
}

async function run(
  argv: readonly string[],
  surroundings: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal; readonly bars: Bars },
): Promise<number> {
  const version = packageVersion();
  const [only, ...more] = argv.slice(2);
  if (more.length === 0 && (only === '--version' || only === '-V')) {
    process.stdout.write(`${version}\n`);
    return EXIT.done;
  }
  // The commands and their settings take longer to load than the version takes to print.
  const { runProgram } = await import('./program/program.ts');
  return runProgram(argv, version, surroundings);
}

/** Nobody must take a restore whose report is lost for one that failed. */
function lostOutput(cause: NodeJS.ErrnoException, status: number): OutputError {
  const end =
    status === EXIT.done ? 'the command itself succeeded' : `the command itself exited with ${status}`;
  return new OutputError({
    doing: 'cannot write to stdout',
    problem: cause.message,
    remedy: `${end}; only its output is lost: write that where there is room`,
    cause,
  });
}

/** @returns a function that removes the listeners */
function stopOnSignals(stop: AbortController, bars: Bars, say: Say): () => void {
  let patience: NodeJS.Timeout | undefined;
  // A terminal and the program's parent on it may both send the first signal: a second one counts only once it was
  // offered.
  let isAskedFor = false;
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const handler = () => {
      const stopped = new StoppedError(name);
      if (isAskedFor) {
        bars.end();
        process.exit(stopped.exitStatus);
      }
      stop.abort(stopped);
      patience ??= setTimeout(() => {
        isAskedFor = true;
        say(
          'warn',
          `received ${name}, cleaning up; a second signal exits at once without finishing the cleanup`,
        );
      }, PATIENCE_MS).unref();
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return () => {
    clearTimeout(patience);
    for (const remove of handlers) remove();
  };
}

/** Stopped work that did not end in time must not keep the process alive. */
function endSoon(status: number): void {
  setTimeout(() => process.exit(status), LINGER_MS).unref();
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/**
 * Reports what went wrong, in one line.
 *
 * @returns the exit status
 */
function report(error: unknown, env: NodeJS.ProcessEnv, say: Say): number {
  const stack = env.LOG_LEVEL === 'debug' ? describeCauses(error) : undefined;
  say('error', tellError(error), stack);
  return error instanceof OperatorError ? error.exitStatus : EXIT.failed;
}

/** pino's level numbers. */
const LEVELS = { warn: 40, error: 50 } as const;

/** Writes messages that do not come from a command's log, in the log's format. */
type Say = (level: keyof typeof LEVELS, line: string, stack?: string) => void;

function createSay({ LOG_FORMAT }: NodeJS.ProcessEnv, bars: Bars): Say {
  return (level, line, stack) => {
    if (LOG_FORMAT === 'json') {
      const entry = { level: LEVELS[level], time: new Date().toISOString(), msg: line, stack };
      process.stderr.write(`${JSON.stringify(entry)}\n`);
      return;
    }
    const shown = stack === undefined ? '' : `${escapeInStack(stack)}\n`;
    bars.aside(() => process.stderr.write(`topobank-backup: ${escapeControls(line)}\n${shown}`));
  };
}

function describeCauses(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) stacks.push(at.stack ?? at.message);
  return stacks.join('\ncaused by ');
}
