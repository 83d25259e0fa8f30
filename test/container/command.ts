import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to this process's own variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads from stdin; without it stdin is empty. */
  readonly input?: string;
}

/** Runs a program and waits for its end, whatever its exit status. */
export function tryCommand(
  program: string,
  args: readonly string[],
  { cwd, env, input = '' }: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
    // A program that ends without reading its input is none of our failures.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/**
 * Runs a program that has to succeed.
 *
 * @returns what it printed on stdout
 * @throws Error with all that it printed
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await tryCommand(program, args, options);
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')}: exit status ${status}\n${stdout}${stderr}`);
}
