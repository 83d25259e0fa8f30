import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { EXIT, OperatorError, StoppedError } from './errors.ts';

/** How long a process that was stopped may go on, in milliseconds, with what its work has left open. */
const LINGER_MS = 500;

/**
 * Runs one command line.
 *
 * @returns the exit status
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const stop = new AbortController();
  // Everything that is under way at the same time listens to it, which is no leak.
  setMaxListeners(0, stop.signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handlers = signals.map((name) => {
    const handler = () => stop.abort(new StoppedError(name));
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  // `list | head` closes the pipe early, which is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const version = packageVersion();
  try {
    const [only, ...more] = argv.slice(2);
    if (more.length === 0 && (only === '--version' || only === '-V')) {
      process.stdout.write(`${version}\n`);
      return EXIT.done;
    }
    // The commands and their settings take longer to load than the version takes to be told.
    const { runProgram } = await import('./program/program.ts');
    return await runProgram(argv, version, { env, signal: stop.signal });
  } catch (error) {
    if (error instanceof StoppedError) endSoon(error.exitStatus);
    return report(error, env);
  } finally {
    for (const remove of handlers) remove();
  }
}

/** Work that was stopped and did not end in time must not hold the process. */
function endSoon(status: number): void {
  setTimeout(() => process.exit(status), LINGER_MS).unref();
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** Says what went wrong, in one line, and how the program ends. */
function report(error: unknown, env: NodeJS.ProcessEnv): number {
  const message = error instanceof Error ? error.message : String(error);
  const line = error instanceof OperatorError ? message : `unexpected: ${message}`;
  const stack = env.LOG_LEVEL === 'debug' ? describeCauses(error) : undefined;
  if (env.LOG_FORMAT === 'json') {
    // pino's number for an error.
    const entry = { level: 50, time: new Date().toISOString(), msg: line, stack };
    process.stderr.write(`${JSON.stringify(entry)}\n`);
  } else process.stderr.write(`topobank-backup: ${line}\n${stack === undefined ? '' : `${stack}\n`}`);
  return error instanceof OperatorError ? error.exitStatus : EXIT.failed;
}

function describeCauses(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) stacks.push(at.stack ?? at.message);
  return stacks.join('\ncaused by ');
}
