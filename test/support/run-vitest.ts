import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Runs `vitest run` with these arguments and variables.
 *
 * @returns its exit status
 * @throws the signal's reason once it has ended
 */
export async function runVitest(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const suite = spawn(process.execPath, [vitest, 'run', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  const terminate = () => suite.kill('SIGTERM');
  signal.addEventListener('abort', terminate);
  try {
    const status = await exitStatus(suite);
    signal.throwIfAborted();
    return status;
  } finally {
    signal.removeEventListener('abort', terminate);
  }
}

function exitStatus(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
}
