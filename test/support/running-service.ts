import type { ChildProcess } from 'node:child_process';
import type { TestBed } from './test-bed.ts';
import type { ProgramResult } from './topobank-backup.ts';

/** The service as a process of its own. */
export interface RunningService {
  /**
   * The first line of the log that matches and comes after those asked for before.
   *
   * @throws an error with the whole log when the service ends without it
   */
  line(pattern: RegExp): Promise<string>;
  /** What it came to, once it has ended by itself. */
  readonly ended: Promise<ProgramResult>;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<ProgramResult>;
}

/** Starts `service`, or another command that goes on until it is stopped, with a bed's variables and these. */
export function startService(
  bed: TestBed,
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[] = ['service'],
): RunningService {
  const lines: string[] = [];
  const wake = new Set<() => void>();
  let child: ChildProcess | undefined;
  let ended = false;
  const result = bed.run(args, env, {
    onSpawn: (spawned) => {
      child = spawned;
      let rest = '';
      spawned.stderr?.on('data', (text: string) => {
        const parts = `${rest}${text}`.split('\n');
        rest = parts.pop() ?? '';
        lines.push(...parts);
        for (const look of wake) look();
      });
    },
  });
  result.finally(() => {
    ended = true;
    for (const look of wake) look();
  });

  return {
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const at = lines.findIndex((line) => pattern.test(line));
          if (at < 0 && !ended) return;
          wake.delete(look);
          if (at < 0)
            result.then(({ stderr }) => reject(new Error(`no line ${pattern} in:\n${stderr}`)), reject);
          else resolve(lines.splice(0, at + 1).at(-1) ?? '');
        };
        wake.add(look);
        look();
      }),
    ended: result,
    stop() {
      child?.kill('SIGTERM');
      return result;
    },
  };
}
