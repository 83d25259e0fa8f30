import { type SpawnOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/topobank-backup.js', import.meta.url));
const REPORTER = new URL('./report-memory.mjs', import.meta.url).href;

/** What one run of a program took. */
export interface Run {
  /** Wall time in milliseconds, from the start of the process to its end. */
  readonly ms: number;
  /** Largest resident set in bytes; undefined for a program that is not Node. */
  readonly peakBytes: number | undefined;
}

/**
 * Runs a program to its end; what it prints is thrown away.
 *
 * @throws Error with what it said on stderr when its exit status is not 0, or the signal's reason
 */
export async function runProcess(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Run> {
  signal.throwIfAborted();
  const options: SpawnOptions = { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] };
  const began = performance.now();
  const child = spawn(command, args, options);
  const kill = () => child.kill('SIGTERM');
  signal.addEventListener('abort', kill);
  let said = '';
  let reported = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const reports = child.stdio[3] as NodeJS.ReadableStream;
  reports.setEncoding('utf8').on('data', (text: string) => {
    reported += text;
  });
  try {
    let ended = began;
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => {
        ended = performance.now();
      });
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with status ${status}:\n${said}`);
    return { ms: ended - began, peakBytes: reported === '' ? undefined : Number(reported) * 1024 };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Runs the tool as a process of its own, which reports its peak memory when it ends. */
export function runTool(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Run> {
  const { PATH, HOME } = process.env;
  return runProcess(
    process.execPath,
    [`--import=${REPORTER}`, PROGRAM, ...args],
    { PATH, HOME, ...env },
    signal,
  );
}
