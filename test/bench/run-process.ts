import { type SpawnOptions, spawn } from 'node:child_process';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM } from '../support/topobank-backup.ts';
import type { Bench } from './bench.ts';

const REPORTER = new URL('./report-usage.mjs', import.meta.url).href;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What one run of a program took. */
export interface Run {
  /** Wall time in milliseconds, from the start of the process to its end. */
  readonly ms: number;
}

/** What one run of the tool took. */
export interface ToolRun extends Run {
  /** Time on the processor, user and system, of all threads, in milliseconds; child processes are not counted. */
  readonly cpuMs: number;
  /** Largest resident set in bytes; undefined where the system does not tell (all but Linux). */
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
  const { ms } = await run(command, args, env, signal);
  return { ms };
}

/** Runs the tool as a process of its own, which reports what it used when it ends. */
export function runTool(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ToolRun> {
  return runScript(PROGRAM, args, env, signal);
}

/**
 * Bundles a TypeScript file of the bench as the tool itself is bundled, so that neither starts faster.
 *
 * @returns the script for Node
 */
export async function buildScript(
  path: string,
  { directory, signal }: Pick<Bench, 'directory' | 'signal'>,
): Promise<string> {
  const name = basename(path, '.ts');
  const outdir = join(directory, name);
  const args = ['--prefix', ROOT, 'run', '--silent', 'bundle', '--', path];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: directory };
  await runProcess('npm', [...args, `--outdir=${outdir}`, '--out-extension:.js=.mjs'], env, signal);
  return join(outdir, `${name}.mjs`);
}

/** Runs a script for Node in the same way as the tool. */
export async function runScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ToolRun> {
  const { PATH, HOME } = process.env;
  const { ms, report } = await run(
    process.execPath,
    [`--import=${REPORTER}`, script, ...args],
    { PATH, HOME, ...env },
    signal,
  );
  const usage = JSON.parse(report) as { cpuMs: number; peakBytes: number | null };
  return { ms, cpuMs: usage.cpuMs, peakBytes: usage.peakBytes ?? undefined };
}

async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Run & { readonly report: string }> {
  signal.throwIfAborted();
  const options: SpawnOptions = { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] };
  const began = performance.now();
  const child = spawn(command, args, options);
  const kill = () => child.kill('SIGTERM');
  signal.addEventListener('abort', kill);
  let said = '';
  let report = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const reports = child.stdio[3] as NodeJS.ReadableStream;
  reports.setEncoding('utf8').on('data', (text: string) => {
    report += text;
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
    return { ms: ended - began, report };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
