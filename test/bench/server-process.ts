import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';

/** An S3 server that runs as a process of its own, so that its work is on no bill of the tool's. */
export interface ServerProcess {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

/** @param script prints its address as a line of JSON, and ends with its standard input */
export async function startServerProcess(script: string, ...args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C goes to us, and we end the server in our order.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([lines[Symbol.asyncIterator]().next(), ended.then(() => undefined)]);
  if (first === undefined || first.done === true) throw new Error('the S3 server did not start');
  return {
    ...(JSON.parse(first.value) as { endpoint: string; accessKey: string; secretKey: string }),
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
