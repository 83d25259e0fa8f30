import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What `bin` of package.json names. */
export const PROGRAM = fileURLToPath(new URL('../../bin/topobank-backup.js', import.meta.url));

export interface ProgramResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Sends SIGTERM when it is aborted; the result is then still awaited and returned. */
  readonly signal?: AbortSignal;
  /** What the program reads from stdin; without it stdin is empty. */
  readonly input?: string;
  /** Is given the process, to be signalled. */
  readonly onSpawn?: (child: ChildProcess) => void;
}

/**
 * Runs the program as an operator does: as a process of its own, with these variables and no others but PATH and HOME.
 *
 * @throws the signal's reason where it was aborted before
 */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { signal, input = '', onSpawn }: RunOptions = {},
): Promise<ProgramResult> {
  signal?.throwIfAborted();
  const { PATH = '', HOME = '/' } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH, HOME, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const terminate = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', terminate);
  try {
    return await new Promise((resolve, reject) => {
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.once('error', reject);
      child.once('close', (status, ended) => resolve({ status, signal: ended, stdout, stderr }));
      // A program that ends without reading its input is none of our failures.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      onSpawn?.(child);
    });
  } finally {
    signal?.removeEventListener('abort', terminate);
  }
}

/** The variables that make the tool use an S3 server. */
export function storeEnv(server: {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}): Record<string, string> {
  return {
    AWS_S3_ENDPOINT_URL: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
    AWS_STORAGE_BUCKET_NAME: 'topobank-assets',
  };
}
