import { type ChildProcess, spawn } from 'node:child_process';

export interface ScriptResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Is given all that a script has printed so far on one of its outputs, each time it prints, and its process. */
export type OnOutput = (output: string, child: ChildProcess) => void;

/** Sends a signal once a script has printed a text; a second signal would end it at once. */
export function signalAt(text: string, signal: NodeJS.Signals): OnOutput {
  let isSent = false;
  return (output, child) => {
    if (isSent || !output.includes(text)) return;
    isSent = true;
    child.kill(signal);
  };
}

/**
 * Runs a TypeScript program of test/ as a process of its own, with PATH and nothing else of the environment.
 *
 * @param options.temporary where it makes its temporary files
 * @param options.signal ends it by SIGTERM, as of a test whose time is up; its end is then still awaited
 */
export function runScript(
  path: string,
  args: readonly string[],
  options: {
    readonly temporary: string;
    readonly signal?: AbortSignal;
    readonly onStdout?: OnOutput;
    readonly onStderr?: OnOutput;
  },
): Promise<ScriptResult> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], {
      env: { PATH: process.env.PATH, TMPDIR: options.temporary, TSX_DISABLE_CACHE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onStdout?.(stdout, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(stderr, child);
    });
    const terminate = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', terminate);
    child.once('error', reject);
    child.once('close', (status) => {
      signal?.removeEventListener('abort', terminate);
      resolve({ status, stdout, stderr });
    });
  });
}
